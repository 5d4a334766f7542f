"""HTTP/2 in clear text between real servers and clients: nginx, nghttpd, h2load, curl, Node, Go."""

import collections
import json
import os
import re
import shutil
import subprocess

import live
import pytest
import servers as s

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'h2')
PORT = 28080

NGINX = '''
daemon off; master_process off; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log; user root;
events {{ worker_connections 1000; }}
http {{
  log_format line '$request_method $request_uri $status $body_bytes_sent';
  access_log {dir}/access.log line; default_type text/plain; http2_max_concurrent_streams 1000; keepalive_requests 1000000;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{
    listen 127.0.0.1:{port} http2;
    location ~ ^/item/(?<n>\\d+)$ {{ return 200 "item $n\\n"; }}
    location = /empty {{ return 204; }}
    location = /moved {{ return 301 /item/1; }}
    location /size/ {{ root {dir}/www; }}
  }}
}}
'''


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pdh%d' % (os.getpid() % 100000)) as net:
        yield net


def tool(name):
    path = shutil.which(name)
    if not path:
        pytest.skip(name + ' is not installed')
    return path


def inside(net, *command, timeout=120):
    done = subprocess.run(['ip', 'netns', 'exec', net.name, *map(str, command)], capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


class Nginx2(s.Server):
    def __init__(self, net, port=PORT):
        super().__init__(net.name)
        os.makedirs(os.path.join(self.dir, 'www', 'size'))
        for n in (1000, 200000):
            with open(os.path.join(self.dir, 'www', 'size', str(n)), 'wb') as f:
                f.write(b's' * n)
        conf = os.path.join(self.dir, 'nginx.conf')
        with open(conf, 'w', encoding='utf8') as f:
            f.write(NGINX.format(dir=self.dir, port=port))
        self.start(['nginx', '-p', self.dir, '-c', conf], lambda: self.listening('127.0.0.1', port))

    def logged(self):
        with open(os.path.join(self.dir, 'access.log'), encoding='utf8') as f:
            return collections.Counter(tuple(line.split()) for line in f)


class Nghttpx(s.Server):
    """A proxy that speaks HTTP/1.1 and, after an Upgrade, HTTP/2."""

    def __init__(self, net, backend, port):
        super().__init__(net.name)
        self.start([tool('nghttpx'), '--conf=/dev/null', '--workers=1', '-f', '127.0.0.1,%d;no-tls' % port, '-b', '127.0.0.1,%d;;proto=h2' % backend],
                   lambda: self.listening('127.0.0.1', port))


def seen(r):
    """A RoundTrip as the talks note theirs."""
    q, a, answered = r['Request'], r['Response'] or {}, r['Outcome'] == 'answered'
    return (q['Method'], q['Path'], a.get('StatusCode') if answered else None, q['Size'] if q['Method'] != 'CONNECT' else 0,
            a.get('Size') if answered else None, r['Outcome'], a.get('ResetCode'))


def said(t):
    answered = t['outcome'] == 'answered'
    return (t['method'], t['path'], t['status'] if answered else None, t.get('sent', 0), t.get('size', 0) if answered else None, t['outcome'], t.get('reset'))


def check_talk(text, run):
    want = collections.Counter(said(json.loads(line)) for line in text.splitlines())
    got = collections.Counter(seen(r) for r in run.roundtrips if r['Proto'] == 'http2')
    assert want and not want - got and not got - want, (list((want - got).items())[:5], list((got - want).items())[:5])
    assert not any(r.get('Partial') for r in run.roundtrips)


def test_node(net):
    """Push, trailers, 103, resets from both sides, tunnels, thousands of streams at once."""
    node = tool('node')
    with live.Live(namespace=net.name) as w:
        text = inside(net, node, os.path.join(HERE, 'node_talk.mjs'), PORT)
        w.reported(len(text.splitlines()))
        run = w.stop()
    check_talk(text, run)
    by_path = {r['Request']['Path']: r for r in run.roundtrips}
    assert by_path['/trailers']['Response']['Trailer'] == {'X-Sum': ['7'], 'X-More': ['yes']}
    assert by_path['/pushed']['Request']['Pushed'] is True
    assert by_path['/chat']['Request']['Protocol'] == 'websocket'
    masked = by_path['/missing?size=3']
    assert masked['Request']['Header']['Cookie'] == ['sid=***; lang=***'] and masked['Request']['Header']['Authorization'] == ['Bearer ***']
    assert masked['Error'] == '404'


def test_go(net):
    go = tool('go')
    version = re.search(r'go1\.(\d+)', subprocess.run([go, 'version'], capture_output=True, text=True, check=True).stdout)
    if not version or int(version[1]) < 24:
        pytest.skip('this go has no unencrypted HTTP/2')
    program = os.path.join(HERE, 'go_talk.go')
    with s.tempfile.TemporaryDirectory() as d:
        built = subprocess.run([go, 'build', '-o', d + '/talk', program], capture_output=True, text=True, timeout=300, check=False)
        assert built.returncode == 0, built.stderr
        with live.Live(namespace=net.name) as w:
            text = inside(net, d + '/talk', PORT)
            w.reported(len(text.splitlines()))
            run = w.stop()
    check_talk(text, run)


@pytest.mark.parametrize('workers', [1, 3])
def test_nginx_log(net, workers):
    """curl and h2load; the server's log is the truth."""
    base = 'http://127.0.0.1:%d' % PORT
    h2load = tool('h2load')
    with Nginx2(net) as server, live.Live('--workers', workers, namespace=net.name) as w:
        inside(net, tool('nghttp'), '-n', *(base + '/item/%d' % i for i in range(20)), base + '/empty', base + '/moved', base + '/none?x=1', base + '/size/200000')
        inside(net, 'curl', '-sS', '--http2-prior-knowledge', '-I', base + '/item/7')
        inside(net, h2load, '-n', 20000, '-c', 4, '-m', 100, base + '/item/1', base + '/size/1000', base + '/none')
        logged = server.logged()
        w.reported(sum(logged.values()))
        run = w.stop()
    assert live.dropped(run) == 0
    got = collections.Counter((q['Method'], q['Path'], a['Status'], str(a['Size'])) for q, a in ((r['Request'], r['Response']) for r in run.roundtrips))
    assert sum(logged.values()) == 20025 and got == logged, (list((logged - got).items())[:5], list((got - logged).items())[:5])


def test_upgrade(net):
    """h2c Upgrade: the HTTP/1.1 request is answered 101, and is stream 1."""
    port, back = PORT + 1, PORT
    url = 'http://127.0.0.1:%d/item/' % port
    with Nginx2(net, back), Nghttpx(net, back, port), live.Live('--filter', 'server.port == %d' % port, namespace=net.name) as w:
        inside(net, tool('nghttp'), '-un', url + '1', url + '2?again')
        w.reported(3)
        run = w.stop()
    http = [r for r in run.roundtrips if r['Proto'] == 'http']
    http2 = sorted((r for r in run.roundtrips if r['Proto'] == 'http2'), key=lambda r: r['Request']['StreamID'])
    assert len(run.roundtrips) == 3 and http[0]['Response']['StatusCode'] == 101 and http[0]['Request']['URL'] == '/item/1'
    first, second = http2
    assert first['Request']['StreamID'] == 1 and second['Request']['StreamID'] > 1
    assert [(r['Request']['Method'], r['Request']['Path'], r['Response']['StatusCode'], r['Response']['Size']) for r in http2] == [('GET', '/item/1', 200, 7), ('GET', '/item/2?again', 200, 7)]
    assert first['Request']['Header']['User-Agent'][0].startswith('nghttp2/') and first['Request']['Authority'] == '127.0.0.1:%d' % port
    assert first['Connection'] == http[0]['Connection']


def test_joined_late(net):
    """The program starts in the middle of a connection: what comes after is reported, and nothing of it is wrong."""
    h2load = tool('h2load')
    base = 'http://127.0.0.1:%d' % PORT
    with Nginx2(net) as server:
        load = subprocess.Popen(['ip', 'netns', 'exec', net.name, h2load, '-D', '6', '-c', '2', '-m', '1', '--rps', '400', base + '/item/7', base + '/none'],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            s.wait_for(lambda: sum(server.logged().values()) > 50, 'h2load')
            with live.Live(namespace=net.name) as w:
                w.reported(200)
                run = w.stop()
        finally:
            load.terminate()
            load.wait(20)
    for r in run.roundtrips:
        q, a = r['Request'], r['Response'] or {}
        assert r['Proto'] == 'http2' and q['Method'] in ('GET', '?') and q['Path'] in ('/item/7', '/none', '?')
        if r['Outcome'] == 'answered' and q['Path'] != '?':
            assert a['Status'] in ('200' if q['Path'] == '/item/7' else '404', '?')
        assert r.get('Partial') or '?' not in (q['Path'], a.get('Status'))
    assert sum(r['Outcome'] == 'answered' for r in run.roundtrips) > 150
