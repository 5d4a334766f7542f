"""What goes wrong on real servers: refused, killed in the middle, never answered, answered too late; and how the program ends."""

import contextlib
import re
import signal
import socket
import subprocess
import time

import clients as c
import live
import pytest
import servers as s


def only(run, proto):
    found = [r for r in run.roundtrips if r['Proto'] == proto]
    assert len(found) == 1, run.roundtrips
    return found[0]


@pytest.fixture
def own(loopback):
    """Servers of this test alone, which it may kill."""
    made = []

    def make(kind, port, **more):
        made.append(kind('127.0.0.1', port, loopback.namespace, **more))
        return made[-1]
    yield make
    for server in made:
        server.close()


def raw(place, address, port, data, wait=0.3):
    """Sends and gives up after `wait` without an end of the connection -> (client's name, socket, what came)."""
    with c.inside(place.namespace):
        sock = socket.create_connection((address, port), 10)
    sock.sendall(data)
    sock.settimeout(wait)
    got = b''
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        while part := sock.recv(65536):
            got += part
    return c.local(sock), sock, got


@pytest.mark.parametrize('port, rules', [(8080, ()), (4711, ('--proto', 'http;4711')), (6380, ())])
@pytest.mark.parametrize('address', ['127.0.0.1', '::1'])
def test_refused_connection(loopback, port, rules, address):
    """Nobody listens; on a default port, or one that a rule names, that is an exchange."""
    with live.Live(*rules, namespace=loopback.namespace) as w:
        with c.inside(loopback.namespace), pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), 5)
        run = w.stop()
    r = only(run, 'redis' if port == 6380 else 'http')
    assert (r['Outcome'], r['Error'], r['Response']) == ('reset', 'connection_refused', None)
    assert run.ledger['flow']['conns_refused'] == 1


def test_refused_dns(loopback):
    with live.Live('--proto', 'dns;5399', namespace=loopback.namespace) as w:
        done = subprocess.run(['ip', 'netns', 'exec', loopback.namespace, 'dig', '@127.0.0.1', '-p', '5399', '+tries=1', '+time=2', 'n1.test', 'A'], capture_output=True, check=False)
        assert done.returncode == 9  # no server could be reached
        run = w.stop()
    assert {(r['Outcome'], r.get('Error')) for r in run.roundtrips} == {('reset', 'unreachable')}
    assert {r['Request']['Message']['QuestionSec']['Name'] for r in run.roundtrips} == {'n1.test.'}


@pytest.mark.parametrize('path, began', [('/hang?id=1', False), ('/slow/3000000?id=1', True)])
def test_server_killed_in_the_middle(loopback, own, path, began):
    """kill -9 while a request is worked on, or while its answer is being sent: reset, with as much of the answer as there was."""
    n = own(s.Nginx, 8090)
    with live.Live(namespace=loopback.namespace) as w:
        client, sock, got = raw(loopback, n.address, n.port, ('GET %s HTTP/1.1\r\nHost: x\r\n\r\n' % path).encode(), 0.4)
        assert got.startswith(b'HTTP/1.1 200') is began
        n.child.kill()
        n.child.wait()
        w.reported(1)
        sock.close()
        run = w.stop()
    r = only(run, 'http')
    assert (r['Outcome'], live.truth.client(r), r['Request']['URL']) == ('reset', client, path)
    assert bool(r['Response']) is began
    if began:
        assert r['Response']['StatusCode'] == 200
    assert r['Error']


def test_redis_killed_in_the_middle(loopback, own):
    d = own(s.Redis, 6390)
    with live.Live(namespace=loopback.namespace) as w:
        client, sock, got = raw(loopback, d.address, d.port, c.RawRedis.pack('SET', 'a', '1') + c.RawRedis.pack('BLPOP', 'nothing', '0'))
        assert got == b'+OK\r\n'
        d.child.kill()
        d.child.wait()
        w.reported(2)
        sock.close()
        run = w.stop()
    assert [(r['Request']['Command'], r['Outcome']) for r in run.roundtrips] == [('SET', 'answered'), ('BLPOP', 'reset')]


def test_no_answer_then_a_late_one(loopback, own):
    """Reported when its time is up, while the connection is open; the late answer is not taken for that of the next request."""
    n = own(s.Nginx, 8091)
    with live.Live('--timeout', '1s', namespace=loopback.namespace) as w:
        client, sock, got = raw(loopback, n.address, n.port, b'GET /hang?id=1 HTTP/1.1\r\nHost: x\r\n\r\n', 0.1)
        assert got == b''
        back, _ = n.hang.accept()
        w.reported(1)
        assert w.lines()[0]['Outcome'] == 'no_response'
        back.recv(65536)
        back.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate')
        back.close()
        sock.settimeout(10)
        with sock.makefile('rb') as stream:
            assert c.read_response(stream, 'GET')[0] == 200
            sock.sendall(b'GET /item/7 HTTP/1.1\r\nHost: x\r\n\r\n')
            assert c.read_response(stream, 'GET')[0] == 200
        sock.close()
        run = w.stop()
    first, second = run.roundtrips
    assert (first['Outcome'], first['Response'], first['Request']['URL']) == ('no_response', None, '/hang?id=1')
    assert 1 <= float(re.fullmatch(r'([\d.]+)s', first['Duration'])[1]) < 10
    assert (second['Outcome'], second['Request']['URL'], second['Response']['Header']['X-Item']) == ('answered', '/item/7', ['7'])
    assert run.ledger['protocols']['http']['late_responses'] == 1


def test_dns_without_an_answer(loopback):
    """A server that is there and says nothing."""
    with c.inside(loopback.namespace):
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(('127.0.0.1', 5398))
    with silent, live.Live('--timeout', '1s', '--proto', 'dns;5398', namespace=loopback.namespace) as w:
        done = subprocess.run(['ip', 'netns', 'exec', loopback.namespace, 'dig', '@127.0.0.1', '-p', '5398', '+tries=1', '+time=1', 'n2.test', 'A'], capture_output=True, check=False)
        assert done.returncode == 9
        w.reported(1)
        run = w.stop()
    assert only(run, 'dns')['Outcome'] == 'no_response'


@pytest.mark.parametrize('reset', [False, True])
def test_client_gives_up(loopback, reset):
    log = c.Log()
    with live.Live(namespace=loopback.namespace) as w:
        with c.inside(loopback.namespace):
            c.http_hang(log, loopback.nginx, reset)
        run = w.stop()
    live.clients_log(run, log)
    assert only(run, 'http')['Error'] == ('connection_reset' if reset else 'connection_closed')


def test_joined_in_the_middle(loopback):
    """Connections that are older than the program: their next exchanges are reported, and none is made up."""
    before, log = c.Log(), c.Log()
    with c.inside(loopback.namespace):
        http, redis = c.HttpClient(before, loopback.nginx), c.redis_client(before, loopback.redis)
        http.ask('GET', '/size/2000')
        redis.set('k', 'v')
        hanging = socket.create_connection(('127.0.0.1', loopback.nginx.port))
        hanging.sendall(b'GET /slow/100000 HTTP/1.1\r\nHost: x\r\n\r\n')
        assert hanging.recv(1000)
    with live.Live(namespace=loopback.namespace) as w:
        http.log = redis.connection.log = log
        type(redis.connection).log = log
        for n in range(30):
            http.ask('GET', '/item/')
            redis.set('k%d' % n, 'v' * n)
            redis.get('k%d' % n)
        run = w.stop()
    http.close()
    redis.close()
    hanging.close()
    reported = [r for r in run.roundtrips if r['Outcome'] == 'answered']
    missing, extra = live.truth.difference(reported, log.exchanges)
    assert not extra
    assert len(missing) <= 2, missing  # the first of a connection that is joined may not be provable
    assert sum(p['orphan_responses'] for p in run.ledger['protocols'].values()) <= 2


@pytest.mark.parametrize('sig', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_busy(loopback, sig):
    """In the middle of a load: it ends at once, what was captured is reported, and the ledger says what was still open."""
    list(loopback.nginx.logged())
    with live.Live(namespace=loopback.namespace, ifaces='lo') as w:
        load = subprocess.Popen(['ip', 'netns', 'exec', loopback.namespace, 'ab', '-q', '-k', '-n', '200000', '-c', '2', 'http://127.0.0.1/size/100'],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            w.reported(501)
            began = time.monotonic()
            run = w.stop(sig)
            took = time.monotonic() - began
        finally:
            load.kill()
            load.wait()
    assert took < 15
    assert re.search(r'^http +\d+ ', run.stderr, re.M), run.stderr
    assert re.search(r'^packets ', run.stderr, re.M)
    answered, others = [r for r in run.roundtrips if r['Outcome'] == 'answered'], [r for r in run.roundtrips if r['Outcome'] != 'answered']
    assert {r['Outcome'] for r in others} <= {'open'} or live.dropped(run)
    log = {}
    for e in loopback.nginx.logged():
        log[e[0]] = log.get(e[0], 0) + 1
    for client in {live.truth.client(r) for r in answered}:
        assert sum(live.truth.client(r) == client for r in answered) <= log[client]


def test_quiet_is_the_ledger_alone(loopback):
    """--quiet in a pipe: one JSON object, whose sums hold."""
    with live.Live('--quiet', namespace=loopback.namespace) as w:
        log = c.Log()
        with c.inside(loopback.namespace):
            c.dns_udp(log, loopback.unbound, [('n%d.test' % n, 'A') for n in range(20)])
        run = w.stop()
    assert len(run.roundtrips) == 1  # the ledger itself, on standard output
    assert run.roundtrips[0] == run.ledger
    assert run.ledger['problem'] == '' and run.ledger['protocols']['dns']['answered'] == 20


def test_reader_that_leaves(loopback, tmp_path):
    """`packetd watch | head -n 3`: it ends by itself, and says nothing."""
    p = subprocess.Popen(['ip', 'netns', 'exec', loopback.namespace, 'sh', '-c', '"$0" watch -i lo 2> "$1" | head -n 3', live.observe.PACKETD, str(tmp_path / 'err')],
                         stdout=subprocess.PIPE)
    try:
        end = time.monotonic() + 20
        while p.poll() is None:
            assert time.monotonic() < end
            with c.inside(loopback.namespace):
                c.dns_udp(c.Log(), loopback.unbound, [('n1.test', 'A')])
            time.sleep(0.05)
        assert p.stdout.read().count(b'\n') == 3 and p.returncode == 0
        assert (tmp_path / 'err').read_bytes() == b''
    finally:
        p.kill()
        p.wait()
        p.stdout.close()
