"""Everything real clients say to real servers on a loopback, with each engine and several workers, is reported exactly once."""

import concurrent.futures
import copy

import clients as c
import live
import pytest
import talks as t


def at_once(namespace, *jobs):
    """Runs the jobs side by side, each in the namespace."""
    def job(function, *args):
        with c.inside(namespace):
            return function(*args)
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        return [f.result() for f in [pool.submit(job, *j) for j in jobs]]


def over_ipv6(server):
    other = copy.copy(server)
    other.address = '::1'
    return other


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
    t.http_keepalive(log, n)
    t.http_misc(log, n)
    t.http_pipelined(log, n)
    http_large(log, n)


def redis_all(log, r):
    t.redis_plain(log, r)
    t.redis_pipelined(log, r)
    t.redis_resp3(log, r)


def dns_all(log, u):
    t.dns_udp(log, u)
    t.dns_tcp(log, u)
    c.dig(log, u, 'big.test', 'TXT', '+bufsize=4096')
    c.dig(log, u, 'big.test', 'TXT', '+noedns')  # truncated, and asked again over TCP
    c.dig(log, u, 'n5.test', 'ANY', '+tcp')


CONFIGURATIONS = [('afpacket', 1, 'lo'), ('afpacket', 1, 'any'), ('afpacket', 4, 'lo'), ('afpacket', 3, 'any'), ('libpcap', 1, 'lo'), ('libpcap', 1, 'any')]


@pytest.mark.parametrize('engine, workers, ifaces', CONFIGURATIONS)
def test_all_at_once(loopback, engine, workers, ifaces):
    log = c.Log()
    calls, counts = loopback.redis.calls(), loopback.unbound.counts()
    list(loopback.nginx.logged())
    with live.Live('--engine', engine, '--workers', workers, namespace=loopback.namespace, ifaces=ifaces) as w:
        at_once(loopback.namespace, (http_all, log, loopback.nginx), (redis_all, log, loopback.redis), (dns_all, log, loopback.unbound),
                (t.http_misc, log, over_ipv6(loopback.nginx)), (t.redis_pipelined, log, over_ipv6(loopback.redis)), (t.dns_tcp, log, over_ipv6(loopback.unbound)))
        run = w.stop()
    live.clients_log(run, log)
    assert live.access_log(run, loopback.nginx, sum(e['protocol'] == 'http' for e in log.exchanges)) > 120
    assert live.redis_calls(run, calls, loopback.redis.calls(), forgiven=('NOSUCH',)) > 200  # unknown commands are not in its count
    assert live.dns_counts(run, counts, loopback.unbound.counts()) > 100
    assert {r['Capture']['Interface'] for r in run.roundtrips} == {'lo'}
