"""Real clients that keep a log of what they asked and got: the truth of recordings and of live tests. Every exchange carries an
id of its own (in the URL, the key, the name), which its answer repeats, so that a wrong pair shows."""

import concurrent.futures
import contextlib
import copy
import ctypes
import http.client
import itertools
import json
import os
import socket
import struct
import subprocess

import dns.message
import dns.rcode
import dns.rdatatype
import redis

CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(namespace):
    """Sockets this thread opens meanwhile belong to the network namespace; None: stay here."""
    if namespace is None:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/proc/thread-self/ns/net', 'rb') as home, open('/run/netns/' + namespace, 'rb') as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), 'setns')
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def at_once(namespace, *jobs):
    """Runs the jobs side by side, each in the namespace."""
    def job(function, *args):
        with inside(namespace):
            return function(*args)
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        return [f.result() for f in [pool.submit(job, *j) for j in jobs]]


def over_ipv6(server):
    other = copy.copy(server)
    other.address = '::1'
    return other


def local(sock):
    host, port = sock.getsockname()[:2]
    return '%s:%d' % ('[%s]' % host if ':' in host else host, port)


class Log:
    """What the clients know, in the order in which they learned it."""

    def __init__(self):
        self.exchanges = []
        self.ids = itertools.count(1)

    def http(self, conn, method, url, status, ident=None, outcome='answered'):
        e = {'protocol': 'http', 'conn': conn, 'request': {'method': method, 'url': url},
             'response': {'status': status} if status else None, 'outcome': outcome}
        if ident is not None:
            e['mark'] = {'request': {'Request.URL': url}, 'response': {'Response.Header.X-Item.0': str(ident)}}
        self.exchanges.append(e)

    def redis(self, conn, command, error, key=None, size=None, outcome='answered'):
        e = {'protocol': 'redis', 'conn': conn, 'request': {'command': command}, 'response': {'error': error} if outcome == 'answered' else None,
             'outcome': outcome}
        if key is not None:
            e['mark'] = {'request': {'Request.Command': command, 'Request.Key': key}}
            if size is not None:
                e['mark']['response'] = {'Request.Command': command, 'Response.Size': size}
        self.exchanges.append(e)

    def dns(self, conn, name, rdtype, rcode, transport, answer=None, outcome='answered'):
        e = {'protocol': 'dns', 'conn': conn, 'request': {'name': name.lower().rstrip('.'), 'type': rdtype, 'transport': transport},
             'response': {'rcode': rcode} if rcode else None, 'outcome': outcome}
        if answer:
            e['mark'] = {'request': {'Request.Message.QuestionSec.Name': name.rstrip('.') + '.', 'Request.Message.QuestionSec.Type': rdtype},
                         'response': {'Response.Message.AnswerSec.0.Record': answer}}
        self.exchanges.append(e)

    def mysql(self, conn, command, statement='', outcome='answered', code=0, rows=0, affected=0, mark=None):
        """`mark`: the path and value of what is unlike in its answer."""
        e = {'protocol': 'mysql', 'conn': conn, 'request': {'command': command, 'statement': statement},
             'response': {'code': code, 'rows': rows, 'affected': affected} if outcome == 'answered' else None, 'outcome': outcome}
        if mark:
            e['mark'] = {'request': {'Request.Command': command, 'Request.Statement': statement}, 'response': dict([('Request.Command', command), mark])}
        self.exchanges.append(e)


class HttpClient:
    """One keep-alive connection of http.client."""

    def __init__(self, log, server, source=None):
        self.log = log
        self.http = http.client.HTTPConnection(server.address, server.port, timeout=10, source_address=source)
        self.http.connect()

    def ask(self, method, path, body=None, **headers):
        ident = next(self.log.ids)
        url = path + str(ident) if path.endswith('/item/') else '%s?id=%d' % (path, ident)
        self.http.request(method, url, body, {k.replace('_', '-'): v for k, v in headers.items()})
        conn = local(self.http.sock)  # it opens another connection where the server has closed the one before
        answer = self.http.getresponse()
        answer.read()
        assert answer.getheader('X-Item') == str(ident), (url, answer.headers.items())
        self.log.http(conn, method, url, answer.status, ident)
        return answer

    def close(self):
        self.http.close()


def read_response(stream, method):
    """One response from a buffered stream -> (status, headers); chunked, counted, or none."""
    status = int(stream.readline().split()[1])
    headers = http.client.parse_headers(stream)
    if status < 200:
        return read_response(stream, method)
    if method == 'HEAD' or status in (204, 304):
        return status, headers
    if headers.get('Transfer-Encoding') == 'chunked':
        while n := int(stream.readline().split(b';')[0], 16):
            stream.read(n + 2)
        stream.readline()
    elif headers.get('Content-Length') is not None:
        stream.read(int(headers['Content-Length']))
    else:
        stream.read()
    return status, headers


def http_pipeline(log, server, requests, depth):
    """Sends `depth` requests at once, again and again, on one connection; requests are (method, path, headers)."""
    with socket.create_connection((server.address, server.port), 10) as sock, sock.makefile('rb') as stream:
        conn = local(sock)
        while requests:
            batch, requests = requests[:depth], requests[depth:]
            asked = []
            out = b''
            for method, path, headers in batch:
                ident = next(log.ids)
                url = path + str(ident) if path.endswith('/item/') else '%s?id=%d' % (path, ident)
                out += ('%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n' % (method, url, headers)).encode()
                asked.append((method, url, ident))
            sock.sendall(out)
            for method, url, ident in asked:
                status, headers = read_response(stream, method)
                assert headers['X-Item'] == str(ident)
                log.http(conn, method, url, status, ident)


def http_raw(log, server, method, path, version='1.0', headers=''):
    """One request on a connection of its own, which the server closes."""
    ident = next(log.ids)
    url = path + str(ident) if path.endswith('/item/') else '%s?id=%d' % (path, ident)
    with socket.create_connection((server.address, server.port), 10) as sock, sock.makefile('rb') as stream:
        sock.sendall(('%s %s HTTP/%s\r\nHost: test\r\n%s\r\n' % (method, url, version, headers)).encode())
        status, got = read_response(stream, method)
        stream.read()
        assert got['X-Item'] == str(ident)
        log.http(local(sock), method, url, status, ident)


def http_hang(log, server, reset, wait=0.3):
    """A request that is never answered; the client gives up with a FIN or a RST."""
    url = '/hang?id=%d' % next(log.ids)
    with socket.create_connection((server.address, server.port), 10) as sock:
        sock.sendall(('GET %s HTTP/1.1\r\nHost: test\r\n\r\n' % url).encode())
        sock.settimeout(wait)
        with contextlib.suppress(TimeoutError):
            sock.recv(1)
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        log.http(local(sock), 'GET', url, None, outcome='reset')


def curl(log, server, *options, path='/size/100', count=1, method='GET'):
    """curl over one connection; its own report (-w) is the log."""
    idents = [next(log.ids) for _ in range(count)]
    urls = ['%s?id=%d' % (path, i) for i in idents]
    at = 'http://%s:%d' % ('[%s]' % server.address if ':' in server.address else server.address, server.port)
    out = []
    for u in urls:
        out += [at + u, '-o', '/dev/null']
    done = subprocess.run(['curl', '-sS', '--max-time', '20', '-w', '%{local_ip} %{local_port} %{http_code}\\n', *options, *out],
                          capture_output=True, text=True, check=True)
    for url, ident, line in zip(urls, idents, done.stdout.splitlines(), strict=True):
        ip, port, status = line.split()
        log.http('%s:%s' % ('[%s]' % ip if ':' in ip else ip, port), method, url, int(status), ident)


class LoggedConnection(redis.connection.Connection):
    """redis-py's connection, with every command it packs and every reply it reads in the log, first in first out."""

    log = None

    def pack_command(self, *args):
        self.asked.append(args)
        return super().pack_command(*args)

    def on_connect(self):
        self.asked = []
        super().on_connect()

    def read_response(self, *args, **kw):
        command, error = self.asked.pop(0), False
        try:
            answer = super().read_response(*args, **kw)
        except redis.ResponseError as e:
            answer, error = e, True
        if isinstance(answer, redis.ResponseError):
            error = True
        words = [w.decode() if isinstance(w, bytes) else str(w) for w in command]
        reads = words[0] in ('GET', 'GETSET', 'GETDEL') and len(words) > 1
        size = len(answer) if reads and isinstance(answer, bytes) else None
        self.log.redis(local(self._sock), words[0].split(' ')[0].upper(), error, words[1] if reads or words[0] == 'SET' else None, size)
        if error and not isinstance(answer, redis.ResponseError):
            raise answer
        return answer


def redis_client(log, server, **more):
    """redis-py on one connection."""
    kind = type('Logged', (LoggedConnection,), {'log': log, 'asked': []})
    pool = redis.ConnectionPool(connection_class=kind, host=server.address, port=server.port, socket_timeout=10, **more)
    return redis.Redis(connection_pool=pool, single_connection_client=True)


class RawRedis:
    """A bare socket that speaks RESP2, RESP3 and inline commands."""

    def __init__(self, log, server):
        self.log = log
        self.sock = socket.create_connection((server.address, server.port), 10)
        self.stream = self.sock.makefile('rb')
        self.conn = local(self.sock)

    @staticmethod
    def pack(*words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words)

    def value(self):
        """One value -> (type byte, text or list)."""
        line = self.stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind in b'$=!':
            n = int(rest)
            return kind, self.stream.read(n + 2)[:-2] if n >= 0 else None
        if kind in b'*~>%|':
            n = max(int(rest), 0) * (2 if kind in b'%|' else 1)
            items = [self.value() for _ in range(n)]
            return self.value() if kind == b'|' else (kind, items)
        return kind, rest

    def reply(self):
        """The next value that is no push."""
        while True:
            kind, value = self.value()
            if kind != b'>':
                return kind, value

    def ask(self, *words, replies=1):
        self.sock.sendall(self.pack(*words))
        return self.answered(words, replies)

    def answered(self, words, replies=1):
        for _ in range(replies):
            kind, value = self.reply()
        words = [w.decode('latin1') if isinstance(w, bytes) else str(w) for w in words]
        reads = words[0].upper() == 'GET'
        self.log.redis(self.conn, words[0].upper(), kind in (b'-', b'!'), words[1] if reads else None,
                       len(value) if reads and isinstance(value, bytes) else None)
        return value

    def inline(self, text):
        self.sock.sendall(text.encode() + b'\r\n')
        return self.answered(text.split())

    def subscribe(self, *channels, protocol=2):
        """One exchange with as many confirmations as channels."""
        self.sock.sendall(self.pack('SUBSCRIBE', *channels))
        for _ in channels:
            self.value()
        self.log.redis(self.conn, 'SUBSCRIBE', False)

    def close(self):
        self.stream.close()
        self.sock.close()


def dns_udp(log, server, questions, source_port=0, together=False):
    """Questions (name, type) over one UDP socket, one after the other or all at once."""
    family = socket.AF_INET6 if ':' in server.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.bind(('', source_port))
        sock.connect((server.address, server.port))
        asked = {}
        for n, (name, rdtype) in enumerate(questions):
            m = dns.message.make_query(name, rdtype, use_edns=0 if n % 2 else False, payload=1232)
            m.id = (n * 257 + 1) & 0xffff
            sock.send(m.to_wire())
            asked[m.id] = (name, rdtype)
            if not together:
                dns_answer(log, local(sock), dns.message.from_wire(sock.recv(65535)), asked, 'udp')
        while asked:
            dns_answer(log, local(sock), dns.message.from_wire(sock.recv(65535)), asked, 'udp')


def dns_answer(log, conn, m, asked, transport):
    name, rdtype = asked.pop(m.id)
    first = m.answer[0][0] if m.answer else None
    text = first.to_text() if first is not None and first.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA) else None
    log.dns(conn, name, rdtype, dns.rcode.to_text(m.rcode()), transport, text)


def dns_tcp(log, server, questions, together=True):
    """Questions over one TCP connection; `together`: all in one segment."""
    with socket.create_connection((server.address, server.port), 10) as sock, sock.makefile('rb') as stream:
        asked, out = {}, b''
        for n, (name, rdtype) in enumerate(questions):
            m = dns.message.make_query(name, rdtype)
            m.id = (n * 257 + 1) & 0xffff
            asked[m.id] = (name, rdtype)
            wire = m.to_wire()
            out += struct.pack('>H', len(wire)) + wire
            if not together:
                sock.sendall(out)
                out = b''
                dns_answer(log, local(sock), tcp_message(stream), asked, 'tcp')
        if out:
            sock.sendall(out)
        while asked:
            dns_answer(log, local(sock), tcp_message(stream), asked, 'tcp')


def tcp_message(stream):
    return dns.message.from_wire(stream.read(struct.unpack('>H', stream.read(2))[0]))


def free_address(server):
    """(address, port) from which the server can be asked, free for UDP and TCP."""
    family = socket.AF_INET6 if ':' in server.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((server.address, server.port))
        address = s.getsockname()[0]
    while True:
        with socket.socket(family, socket.SOCK_DGRAM) as u, socket.socket(family) as t:
            u.bind((address, 0))
            with contextlib.suppress(OSError):
                t.bind((address, u.getsockname()[1]))
                return address, u.getsockname()[1]


def dig(log, server, name, rdtype, *options):
    """dig from a source port that is known before; its header line is the log."""
    address, port = free_address(server)
    out = subprocess.run(['dig', '@' + server.address, '-p', str(server.port), '-b', '%s#%d' % (address, port), '+tries=1', '+time=5',
                          *options, name, rdtype], capture_output=True, text=True, check=True).stdout
    conn = '%s:%d' % ('[%s]' % address if ':' in address else address, port)
    if ';; Truncated' in out:  # asked again over TCP
        log.dns(conn, name, rdtype, None, 'udp')
    log.dns(conn, name, rdtype, out.split('status: ')[1].split(',')[0], 'tcp' if '(TCP)' in out or '+tcp' in options else 'udp')


def dump(log, path, **more):
    import truth
    truth.save(path, log.exchanges, **more)
    return json.dumps({'file': os.path.basename(str(path)), 'exchanges': len(log.exchanges)})
