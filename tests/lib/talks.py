"""What clients say to the real servers, for recordings and for live tests: each takes a Log and a server of its kind."""

import contextlib

import clients as c


def http_keepalive(log, n):
    """Two connections in turn: counted bodies from none to 20 kB, in segments of 1448 bytes at the most."""
    a, b = c.HttpClient(log, n), c.HttpClient(log, n)
    for size in (0, 1, 100, 1400, 2000, 5000, 20000, 100, 1, 0, 2000):
        a.ask('GET', '/size/%d' % size)
        b.ask('GET', '/item/')
    b.ask('POST', '/upload', b'x' * 7000, Content_Type='text/plain')
    a.close()
    b.close()


def http_misc(log, n):
    """HEAD, 1.0, 204, 301, 304, 404, compressed and chunked, ended by close, 100-continue, PUT and DELETE, never answered."""
    a = c.HttpClient(log, n)
    a.ask('HEAD', '/size/2000')
    a.ask('GET', '/item/')
    etag = a.ask('GET', '/size/100').getheader('ETag')
    a.ask('GET', '/size/100', If_None_Match=etag)
    a.ask('GET', '/empty')
    a.ask('GET', '/moved')
    a.ask('GET', '/nothing/here')
    a.ask('HEAD', '/nothing/here')
    a.ask('GET', '/zip/5000', Accept_Encoding='gzip')
    a.ask('GET', '/zip/20000', Accept_Encoding='gzip')
    a.ask('GET', '/size/2000', Range='bytes=10-29')
    a.ask('POST', '/upload', iter([b'one', b'two' * 300, b'three']))  # chunked
    a.ask('OPTIONS', '/item/')
    a.ask('PUT', '/upload', b'{}')
    a.ask('DELETE', '/item/')
    a.close()
    c.http_raw(log, n, 'GET', '/item/')
    c.http_raw(log, n, 'GET', '/zip/5000', headers='Accept-Encoding: gzip\r\n')
    c.http_raw(log, n, 'GET', '/zip/5000', '1.1', 'Connection: close\r\n')
    c.http_raw(log, n, 'HEAD', '/size/5000', '1.1', 'Connection: close\r\n')
    c.curl(log, n, count=4)
    c.curl(log, n, '-X', 'POST', '-H', 'Expect: 100-continue', '--data-binary', 'y' * 3000, path='/upload', method='POST')
    c.curl(log, n, '-I', path='/size/20000', method='HEAD')
    c.http_hang(log, n, reset=False)
    c.http_hang(log, n, reset=True)


def http_pipelined(log, n):
    """Up to 16 requests in flight on one connection, answers of every kind."""
    kinds = [('GET', '/item/', ''), ('HEAD', '/size/2000', ''), ('GET', '/size/2000', ''), ('GET', '/empty', ''),
             ('GET', '/zip/2000', 'Accept-Encoding: gzip\r\n'), ('GET', '/nothing', ''), ('GET', '/size/0', '')]
    for depth in (2, 5, 16):
        c.http_pipeline(log, n, (kinds * 5)[:depth * 2 + 1], depth)


def redis_plain(log, r):
    a, b = c.redis_client(log, r), c.redis_client(log, r)
    for n in range(1, 41):
        a.set('k%d' % n, 'v' * n if n % 3 else b'\r\n$3\r\n+OK\r\n' + b'v' * (100 + n))
        b.get('k%d' % n)
        if n % 10 == 0:
            a.rpush('list', *range(n))
            a.lrange('list', 0, -1)
            b.hset('hash', mapping={'a': 1, 'b': 2})
            b.hgetall('hash')
    a.set('big', b'z' * 30000)
    b.get('big')
    b.get('missing')
    with contextlib.suppress(c.redis.ResponseError):
        a.lpush('k1', 1)
    with contextlib.suppress(c.redis.ResponseError):
        a.execute_command('NOSUCH', 'thing')
    a.incr('counter')
    a.blpop('list', 1)
    a.close()
    b.close()


def redis_pipelined(log, r):
    a = c.redis_client(log, r)
    for n in range(1, 33):
        a.set('k%d' % n, 'v' * (100 + n))
    for depth in (2, 16, 32):
        with a.pipeline(transaction=False) as p:
            for n in range(1, depth + 1):
                p.get('k%d' % n) if depth == 32 else p.set('p%d_%d' % (depth, n), n)
            p.execute()
    with a.pipeline(transaction=True) as p:
        for n in range(5):
            p.incr('i%d' % n)
        p.execute()
    a.close()


def redis_resp3(log, r):
    """RESP3, inline commands, pub/sub on both protocols, values that look like protocol."""
    a = c.RawRedis(log, r)
    a.inline('PING')
    a.inline('SET in line')
    a.inline('GET in')
    a.ask('HELLO', 3)
    a.ask('HSET', 'h', 'a', '1', 'b', '2')
    a.ask('HGETALL', 'h')
    a.ask('SADD', 's', 'x', 'y')
    a.ask('SMEMBERS', 's')
    a.ask('ZADD', 'z', '1.5', 'm')
    a.ask('ZSCORE', 'z', 'm')
    a.ask('GET', 'nothing')
    a.ask('NOSUCH')
    a.ask('SET', 'odd', b'*1\r\n$4\r\nPING\r\n')
    a.ask('GET', 'odd')
    a.subscribe('c1', 'c2')
    b = c.RawRedis(log, r)
    b.subscribe('c1')
    d = c.redis_client(log, r)
    for n in range(5):
        d.publish('c1', 'message %d' % n)
    a.ask('GET', 'in')
    for x in (a, b, d):
        x.close()


def dns_udp(log, u):
    names = [('n%d.test' % n, 'A') for n in range(1, 31)]
    c.dns_udp(log, u, names)
    c.dns_udp(log, u, [('n%d.test' % n, 'AAAA') for n in range(31, 61)], together=True)
    c.dns_udp(log, u, [('mx.test', 'MX'), ('_s._tcp.test', 'SRV'), ('alias.test', 'CNAME'), ('t3.test', 'TXT'), ('nothing.test', 'A'),
                       ('n1.test', 'TXT'), ('1.0.0.10.in-addr.arpa', 'PTR')])
    c.dig(log, u, 'N77.TEST', 'A')
    c.dig(log, u, 'n78.test', 'A', '+noedns')


def dns_tcp(log, u):
    c.dns_tcp(log, u, [('n%d.test' % n, 'A') for n in range(100, 120)])
    c.dns_tcp(log, u, [('n%d.test' % n, 'A') for n in range(120, 130)], together=False)
    c.dns_tcp(log, u, [('t%d.test' % n, 'TXT') for n in (20, 2, 19, 3)])
    c.dig(log, u, 't20.test', 'TXT', '+tcp')
    c.dig(log, u, 'n79.test', 'A', '+tcp')


def http_large(log, n):
    """Bodies that take many segments, in both directions, and a client that does not read for a while."""
    a = c.HttpClient(log, n)
    a.ask('GET', '/size/3000000')
    a.ask('POST', '/upload', b'z' * 5000000, Content_Type='application/octet-stream')
    a.ask('GET', '/item/')
    a.close()
    c.curl(log, n, '-X', 'POST', '-H', 'Expect: 100-continue', '--data-binary', 'y' * 100000, path='/upload', method='POST')
    c.curl(log, n, '--http1.0', path='/size/100000')


def http_all(log, n):
    http_keepalive(log, n)
    http_misc(log, n)
    http_pipelined(log, n)
    http_large(log, n)


def redis_all(log, r):
    redis_plain(log, r)
    redis_pipelined(log, r)
    redis_resp3(log, r)


def dns_all(log, u):
    dns_udp(log, u)
    dns_tcp(log, u)
    c.dig(log, u, 'big.test', 'TXT', '+bufsize=4096')
    c.dig(log, u, 'big.test', 'TXT', '+noedns')  # truncated, and asked again over TCP
    c.dig(log, u, 'n5.test', 'ANY', '+tcp')


def all_exact(place, w, namespace, *more):
    """Everything at once from the namespace, while `w` (live.Live) looks on; then what it reported must be what clients and servers know."""
    import live
    log = c.Log()
    calls, counts = place.redis.calls(), place.unbound.counts()
    list(place.nginx.logged())
    jobs = ((http_all, place.nginx), (redis_all, place.redis), (dns_all, place.unbound), *more)
    c.at_once(namespace, *((talk, log, server) for talk, server in jobs))
    run = w.stop()
    live.clients_log(run, log)
    assert live.access_log(run, place.nginx, sum(e['protocol'] == 'http' for e in log.exchanges)) > 80
    assert live.redis_calls(run, calls, place.redis.calls(), forgiven=('NOSUCH',)) > 200  # unknown commands are not in its count
    assert live.dns_counts(run, counts, place.unbound.counts()) > 90
    return run
