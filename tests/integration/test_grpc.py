"""gRPC between real servers and clients: every call with its status, its messages both ways, and how it ended."""

import collections
import json
import os
import subprocess
import sys

import live
import pytest
import servers as s

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'h2')
PORT = 28051


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pdg%d' % (os.getpid() % 100000)) as net:
        yield net


def talk(net, *arguments):
    done = subprocess.run(['ip', 'netns', 'exec', net.name, sys.executable, os.path.join(HERE, 'grpc_talk.py'), str(PORT), *map(str, arguments)], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(t):
    if t['path'].endswith('/Slow'):  # whose clock runs out first, the client's or the server's?
        return t['path'], t['status']
    ended = t['outcome'] != 'answered'
    return (t['path'], t['status'], len(t['sent']), None if ended else len(t['got']),
            None if ended or t.get('compressed') else sum(t['got']) + 5 * len(t['got']), t.get('message') or '')


def seen(r, compressed):
    q, a = r['Request'], r['Response'] or {}
    if q['Path'].endswith('/Slow'):
        return q['Path'], a.get('GrpcStatus')
    ended = r['Outcome'] != 'answered'
    return (q['Path'], a.get('GrpcStatus'), q.get('Messages', 0), None if ended else a.get('Messages', 0),
            None if ended or r['Connection'] + str(q['StreamID']) in compressed else a['Size'], a.get('GrpcMessage', ''))


@pytest.mark.parametrize('options', [(), ('--proto', 'grpc'), ('--proto', 'grpc;%d' % PORT), ('--proto', 'http2;%d' % PORT)])
def test_python(net, options):
    pytest.importorskip('grpc')
    with live.Live(*options, namespace=net.name) as w:
        calls = talk(net, 50 if options else 1000)
        w.reported(len(calls))
        run = w.stop()
    # what gzip makes of 5000 equal bytes is the sender's affair
    squeezed = {r['Connection'] + str(r['Request']['StreamID']) for r in run.roundtrips if 'Grpc-Encoding' in r['Request']['Metadata'] and r['Request']['Metadata']['Grpc-Encoding'] != ['identity']}
    want, got = collections.Counter(map(said, calls)), collections.Counter(seen(r, squeezed) for r in run.roundtrips)
    assert not want - got and not got - want, (list((want - got).items())[:5], list((got - want).items())[:5])
    assert {r['Proto'] for r in run.roundtrips} == {'grpc'} and len(squeezed) == 1
    first = next(r for r in run.roundtrips if r.get('Trace'))
    assert first['Trace']['TraceID'] == '0af7651916cd43dd8448eb211c80319c' and first['Request']['Metadata']['Authorization'] == ['Bearer ***']
    assert first['Request']['Service'] == 'shop.v1.Cart.Add' and first['Response']['Trailer']['X-Cost'] == ['7']
    ended = {r['Request']['Path'].split('/')[-1]: r for r in run.roundtrips if r['Outcome'] == 'reset' or r['Request']['Path'].endswith('/Slow')}
    assert ended['Slow']['Error'] == 'DEADLINE_EXCEEDED' and ended['Slow']['Request']['Timeout'] and ended['Endless']['Error'] == 'CANCELLED'
    assert ended['Endless']['Response']['Messages'] >= 3


def test_joined_late(net):
    """A connection that was there before: names may be unknown, statuses and counts are right."""
    pytest.importorskip('grpc')
    child = subprocess.Popen(['ip', 'netns', 'exec', net.name, sys.executable, os.path.join(HERE, 'grpc_talk.py'), str(PORT), '20000'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        s.wait_for(lambda: net.packets() > 10000, 'the talk')
        with live.Live(namespace=net.name) as w:
            w.reported(300)
            run = w.stop()
    finally:
        child.kill()
        child.wait()
    answered = [r for r in run.roundtrips if r['Outcome'] == 'answered']
    assert len(answered) > 250 and {r['Proto'] for r in answered} == {'grpc'}
    for r in answered:
        q, a = r['Request'], r['Response']
        assert q['Path'] in ('?', '/shop.v1.Cart/Add') and a.get('GrpcStatus', 0) == 0 and a['Status'] == '200'
        assert r.get('Partial') or (q['Path'] != '?' and a['GrpcStatus'] == 0)
        assert q.get('Messages', 1) == 1 and a.get('Messages', 1) == 1
