"""HTTP/2 of Go and Node as servers; Go, Node, the JDK (by Upgrade) and h2load as clients: each exchange with method, path, status, sizes, end."""

import collections
import os
import re

import live
import peer
import pytest
import servers as s

PORT = 28161
STREAMS = peer.many(500)
NODE = os.path.join(peer.HERE, 'node', 'http2peer.mjs')


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pdph%d' % (os.getpid() % 100000)) as net:
        yield net


def command(make):
    return {'go': lambda: [peer.built('http2peer')], 'node': lambda: [peer.installed('node'), NODE]}[make]()


def said(t):
    """The status of an exchange that was cut off is nobody's."""
    answered = t['outcome'] == 'answered'
    return t['method'], t['path'], t['status'] if answered else None, t['sent'], t['size'] if answered else None, t['outcome']


def seen(r):
    q, a, answered = r['Request'], r['Response'] or {}, r['Outcome'] == 'answered'
    return q['Method'], q.get('Path') or q.get('URL'), a.get('StatusCode') if answered else None, q['Size'], a.get('Size') if answered else None, r['Outcome']


def same(talk, roundtrips, what):
    want, have = collections.Counter(map(said, talk)), collections.Counter(map(seen, roundtrips))
    assert want and want == have, (what, list((want - have).items())[:5], list((have - want).items())[:5])


@pytest.mark.parametrize('server', ['go', 'node'])
@pytest.mark.parametrize('client', ['go', 'node'])
def test_pair(net, client, server):
    """Both sides know of the same exchanges, and so does the program."""
    asks = command(client)
    with peer.Peer(net, PORT, *command(server), 'server', PORT) as at, live.Live(namespace=net.name) as w:
        talk = peer.lines(peer.inside(net, *asks, 'client', PORT, STREAMS))
        w.reported(len(talk))
        served = at.served()
        run = w.stop()
    assert live.dropped(run) == 0 and len(talk) == STREAMS + 11
    same(talk, run.roundtrips, 'client')
    same(served, run.roundtrips, 'server')
    assert {r['Proto'] for r in run.roundtrips} == {'http2'} and not any(r.get('Partial') for r in run.roundtrips)
    resets = {r['Request']['Path']: (r['Response'] or {}).get('ResetCode') for r in run.roundtrips if r['Outcome'] == 'reset'}
    assert resets == {'/abort': 'INTERNAL_ERROR', '/slow': 'CANCEL'}
    trailers = next(r for r in run.roundtrips if r['Request']['Path'] == '/trailers')
    assert trailers['Response']['Trailer'] == {'X-Sum': ['7']}


def test_upgrade(net):
    """The JDK asks its first request in HTTP/1.1 with an Upgrade, which Go's server takes: it is answered 101, and is stream 1."""
    jdk = [*peer.java('java-http2'), 'Http2Peer']
    with peer.Peer(net, PORT, *command('go'), 'server', PORT) as at, live.Live(namespace=net.name) as w:
        talk = peer.lines(peer.inside(net, *jdk, PORT, STREAMS))
        w.reported(len(talk) + 1)
        served = at.served()
        run = w.stop()
    assert live.dropped(run) == 0 and len(talk) == STREAMS + 9 and {t['version'] for t in talk} == {'HTTP_2'}
    http2 = [r for r in run.roundtrips if r['Proto'] == 'http2']
    same(talk, http2, 'client')
    same(served, http2, 'server')
    asked = [r for r in run.roundtrips if r['Proto'] == 'http']
    first = {r['Connection'] for r in http2 if r['Request']['StreamID'] == 1}
    assert asked and {r['Response']['StatusCode'] for r in asked} == {101} and {r['Connection'] for r in asked} == first


@pytest.mark.parametrize('server', ['go', 'node'])
def test_h2load(net, server):
    """What the load generator counts: requests, statuses, bytes of bodies."""
    h2load = peer.installed('h2load')
    with peer.Peer(net, PORT, *command(server), 'server', PORT) as at, live.Live('--workers', 2, namespace=net.name) as w:
        text = peer.inside(net, h2load, '-n', 5000, '-c', 5, '-m', 50, *('http://127.0.0.1:%d/load?size=%d' % (PORT, n) for n in (0, 100, 3000)))
        w.reported(5000)
        served = at.served()
        run = w.stop()
    assert live.dropped(run) == 0
    same(served, run.roundtrips, 'server')
    done, ok = re.search(r'requests: (\d+) total.*?(\d+) succeeded', text), re.search(r'status codes: (\d+) 2xx', text)
    assert (int(done[1]), int(done[2]), int(ok[1])) == (5000, 5000, sum(r['Response']['StatusCode'] == 200 for r in run.roundtrips))
    assert len({r['Connection'] for r in run.roundtrips}) == 5
