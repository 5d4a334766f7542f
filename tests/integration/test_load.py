"""Load generators on the loopback: their own counts and the servers' against what is reported. What is missing must be named."""

import collections
import re
import shutil
import signal
import subprocess
import tempfile

import live
import pytest
import truth

ENGINES = [('afpacket', 1), ('afpacket', 4), ('libpcap', 1)]


def client(place, *command):
    done = subprocess.run(['ip', 'netns', 'exec', place.namespace, *map(str, command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def watch(place, engine, workers, *more, **kw):
    list(place.nginx.logged())
    return live.Live('--engine', engine, '--workers', workers, *more, namespace=place.namespace, ifaces='lo', **kw)


@pytest.mark.parametrize('engine, workers', ENGINES)
@pytest.mark.parametrize('address', ['127.0.0.1', '[::1]'])
def test_ab(loopback, engine, workers, address):
    """Keep-alive, and a connection for each request (HTTP/1.0 both)."""
    with watch(loopback, engine, workers) as w:
        for path, n, options in (('/size/2000', 3000, ('-k',)), ('/size/100', 1000, ()), ('/size/20000', 500, ('-k',)), ('/item/7', 300, ('-i',))):
            out = client(loopback, 'ab', '-q', '-n', n, '-c', 20, *options, 'http://%s%s' % (address, path))
            assert int(re.search(r'Complete requests:\s+(\d+)', out)[1]) == n
        run = w.stop()
    assert live.access_log(run, loopback.nginx, 4800) == 4800
    assert len(run.roundtrips) == 4800 or live.dropped(run)


@pytest.mark.skipif(not shutil.which('wrk'), reason='wrk is not installed')
@pytest.mark.parametrize('engine, workers', ENGINES[:2])
def test_wrk(loopback, engine, workers):
    """At its end it leaves one request on each connection without reading the answer: only those may end either way."""
    with watch(loopback, engine, workers) as w:
        out = client(loopback, 'wrk', '-t1', '-c10', '-d1s', 'http://127.0.0.1/size/20000')
        run = w.stop()
    done = int(re.search(r'(\d+) requests in', out)[1])
    log = [e for e in loopback.nginx.logged()]
    last = {e[0]: n for n, e in enumerate(log)}
    ends = collections.Counter(log[n][:5] for n in last.values())
    want = collections.Counter(e[:5] for n, e in enumerate(log) if last[e[0]] != n)
    live.compare(run, want, collections.Counter(live.http_answered(run)) - ends, 'access log')
    assert done <= len(run.roundtrips) <= len(log) + len(last) or live.dropped(run)


@pytest.mark.parametrize('engine, workers', ENGINES)
@pytest.mark.parametrize('depth, n', [(1, 2000), (16, 5000)])
def test_redis_benchmark(loopback, engine, workers, depth, n):
    before = loopback.redis.calls()
    with watch(loopback, engine, workers) as w:
        out = client(loopback, 'redis-benchmark', '-h', '127.0.0.1', '-n', n, '-c', 20, '-P', depth, '-r', 1000, '-d', 64, '--csv',
                     '-t', 'ping_inline,ping_mbulk,set,get,incr,lpush,hset,mset' + (',lrange_100' if depth == 1 else ''))
        run = w.stop()
    assert out.count('\n') >= 8
    assert live.redis_calls(run, before, loopback.redis.calls(), each=depth) >= 8 * n
    if not live.dropped(run):
        assert {r['Outcome'] for r in run.roundtrips} == {'answered'}
        keys = collections.Counter(r['Request']['Key'].split(':')[0] for r in run.roundtrips if r['Request']['Command'] == 'SET')
        assert list(keys) == ['key'], keys


@pytest.mark.skipif(not shutil.which('dnsperf'), reason='dnsperf is not installed')
@pytest.mark.parametrize('engine, workers', ENGINES)
@pytest.mark.parametrize('mode', ['udp', 'tcp'])
def test_dnsperf(loopback, engine, workers, mode):
    before = loopback.unbound.counts()
    with tempfile.NamedTemporaryFile('w', suffix='.queries') as f:
        f.write(''.join('n%d.test %s\n' % (n % 256, 'A' if n % 3 else 'AAAA') for n in range(1000)) + 'nothing.test A\n')
        f.flush()
        with watch(loopback, engine, workers) as w:
            out = client(loopback, 'dnsperf', '-s', '127.0.0.1', '-p', 53, '-d', f.name, '-n', 4 if mode == 'udp' else 2, '-c', 10, '-m', mode, '-e')
            run = w.stop()
    completed = int(re.search(r'Queries completed:\s+(\d+)', out)[1])
    live.dns_counts(run, before, loopback.unbound.counts())
    if int(re.search(r'Queries lost:\s+(\d+)', out)[1]) == 0 and not live.dropped(run):
        assert len(run.roundtrips) == completed
        assert {r['Request']['Transport'] for r in run.roundtrips} == {mode}


@pytest.mark.parametrize('engine', ['afpacket', 'libpcap'])
def test_dropped_by_the_kernel(loopback, engine):
    """Stopped for a moment, with a small ring: the ledger names every packet that was not seen, no pair is wrong, and all is well after."""
    passed = loopback.net.packets()
    with watch(loopback, engine, 1, '--ring', '512K') as w:
        client(loopback, 'ab', '-q', '-k', '-n', 300, '-c', 3, 'http://127.0.0.1/size/1400?before')
        w.reported(300)
        w.child.send_signal(signal.SIGSTOP)
        client(loopback, 'ab', '-q', '-k', '-n', 3000, '-c', 3, 'http://127.0.0.1/size/5000?during')
        w.child.send_signal(signal.SIGCONT)
        w.reported(311)
        client(loopback, 'ab', '-q', '-k', '-n', 300, '-c', 3, 'http://127.0.0.1/size/1400?after')
        run = w.stop()
    passed = loopback.net.packets() - passed
    assert live.dropped(run) > 0
    assert 'dropped' in run.stderr
    assert run.ledger['packets'] + live.dropped(run) == passed, run.ledger
    want = collections.Counter(e[:5] for e in loopback.nginx.logged())
    got = collections.Counter(live.http_answered(run))
    live.compare(run, want, got, 'access log')
    assert 300 + 300 < sum(got.values()) < 3600
    for part in ('before', 'after'):
        assert sum(n for e, n in got.items() if e[2].endswith(part)) == 300
    wrong = [r for r in run.roundtrips if r['Outcome'] == 'answered' and not r.get('Partial') and r['Response']['Size'] != int(truth.at(r, 'Request.Path').split('/')[2])]
    assert not wrong, wrong[:2]
