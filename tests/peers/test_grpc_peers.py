"""gRPC of four makes, each client with each server: every call with its status, its message, and its messages and bytes both ways."""

import collections
import os

import live
import peer
import pytest
import servers as s

PORT = 28151
CALLS = peer.many(200)
MAKES = ('go', 'java', 'cpp', 'python')
ENDED = {'/shop.v1.Cart/Slow': {0, 1, 4}, '/shop.v1.Cart/Endless': {1}}  # the server's clock may run out before the client's does


def command(make):
    return {'go': lambda: [peer.built('grpcpeer')],
            'cpp': lambda: [peer.built('grpcpeer-cpp')],
            'java': lambda: [*peer.java('java-grpc', *peer.versions('grpc')[-1:]), 'GrpcPeer'],
            'python': lambda: [peer.PYTHON, os.path.join(peer.HERE, 'python', 'grpcpeer.py')]}[make]()


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pdpg%d' % (os.getpid() % 100000)) as net:
        yield net


def wire(sizes):
    """Bytes of the messages with their prefixes."""
    return sum(sizes) + 5 * len(sizes)


def said(t):
    """A refused call may end before the request is on the wire; what gzip makes of a message is its sender's affair."""
    sent = len(t['sent']), wire(t['sent'])
    return (t['path'], t['status'], t['message'], sent[0] if t['status'] == 0 else None, None if t['gzip'] or t['status'] else sent[1],
            len(t['got']), None if t['gzip'] else wire(t['got']))


def seen(r):
    q, a = r['Request'], r['Response'] or {}
    gzip = q['Metadata'].get('Grpc-Encoding', ['identity']) != ['identity']
    ok = a.get('GrpcStatus') == 0
    return (q['Path'], a.get('GrpcStatus'), a.get('GrpcMessage', ''), q.get('Messages', 0) if ok else None, q['Size'] if ok and not gzip else None,
            a.get('Messages', 0), None if gzip else a.get('Size'))


def of(client, roundtrips):
    return [r for r in roundtrips if r['Request']['Metadata'].get('X-Client') == [client]]


def check_client(client, talk, roundtrips):
    """What the client says against what is reported of it."""
    finished, got = [t for t in talk if not t['outcome']], [r for r in roundtrips if r['Request']['Path'] not in ENDED]
    strict = {t['path'] for t in finished if 'unknown' in t['message'].lower() or t['path'].endswith('/Nothing')}
    want, have = (collections.Counter((x[0], x[1], '') + x[3:] if x[0] in strict else x for x in map(f, many)) for f, many in ((said, finished), (seen, got)))
    assert want and want == have, (client, list((want - have).items())[:5], list((have - want).items())[:5])
    assert all(r['Outcome'] == 'answered' and r['Proto'] == 'grpc' and not r.get('Partial') for r in got)
    for path, statuses in ENDED.items():
        ended = [r for r in roundtrips if r['Request']['Path'] == path]
        assert len(ended) == 1 and (ended[0]['Response'] or {}).get('GrpcStatus') in statuses, (client, ended)
    endless = next(r for r in roundtrips if r['Request']['Path'].endswith('/Endless'))
    assert endless['Response']['Messages'] >= 3 and endless['Error'] == 'CANCELLED'


@pytest.mark.parametrize('make', MAKES)
def test_server(net, make):
    clients = {c: command(c) for c in MAKES}
    with peer.Peer(net, PORT, *command(make), 'server', PORT) as server, live.Live('--proto', 'grpc', namespace=net.name) as w:
        talks = {c: peer.lines(peer.inside(net, *clients[c], 'client', PORT, CALLS)) for c in MAKES}
        w.reported(sum(map(len, talks.values())))
        served = server.served()
        run = w.stop()
    assert live.dropped(run) == 0 and len(run.roundtrips) == sum(map(len, talks.values()))
    for client, talk in talks.items():
        assert len(talk) == CALLS + 11
        check_client(client, talk, of(client, run.roundtrips))
    # the server's side: the same calls, as many messages and bytes as it read and wrote
    finished = [r for r in run.roundtrips if r['Request']['Path'] not in ENDED and (r['Response'] or {}).get('GrpcStatus') == 0]
    def gzipped(r):
        return r['Request']['Metadata'].get('Grpc-Encoding', ['identity']) != ['identity']
    want = collections.Counter((t['path'], len(t['got']), wire(t['got']), len(t['sent']), wire(t['sent'])) for t in served if t['status'] == 0 and 5000 not in t['got'])
    have = collections.Counter((r['Request']['Path'], r['Request'].get('Messages', 0), r['Request']['Size'], r['Response'].get('Messages', 0), r['Response']['Size'])
                               for r in finished if not gzipped(r))
    for path in ENDED:
        want = collections.Counter({k: n for k, n in want.items() if k[0] != path})
    assert want == have, (list((want - have).items())[:5], list((have - want).items())[:5])
    assert sum(map(gzipped, run.roundtrips)) == len(MAKES)
