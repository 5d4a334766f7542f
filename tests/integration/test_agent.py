"""The agent beside real servers: what it counts, streams and writes equals what the servers' logs know, also while its configuration changes."""

import collections
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time

import agent as ag
import clients as c
import observe
import pytest

RULES = '''
sniffer:
  ifaces: lo
  ringSize: 64MiB
  protocols:
    rules:
      - {name: web, protocol: http, ports: [80]}
%s
'''
REDIS = '      - {name: cache, protocol: redis, ports: [6379]}'
LABELS = '''
processor:
  - name: roundtripstometrics
    config:
      http: {requireLabels: [server.port, request.method, request.path, response.status_code]}
      redis: {requireLabels: [request.command]}
pipeline:
  - {name: metrics/common, processors: [roundtripstometrics]}
'''


def inside(place, *command):
    done = subprocess.run(['ip', 'netns', 'exec', place.namespace, *map(str, command)], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    return done.stdout


def ab(place, n, path, *options):
    inside(place, 'ab', '-q', '-n', n, '-c', 8, *options, 'http://127.0.0.1' + path)


def logged(place, n):
    """The next n entries of nginx's log."""
    found = []

    def complete():
        found.extend(place.nginx.logged())
        return len(found) >= n
    c_wait(complete)
    return found


def c_wait(check):
    end = time.monotonic() + 20
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_without_configuration(loopback):
    """The defaults: everything on all interfaces, detection by content, metrics on 9091."""
    list(loopback.nginx.logged())
    before = loopback.redis.calls()
    with ag.Agent(namespace=loopback.namespace) as a:
        ab(loopback, 200, '/item/7', '-k')
        ab(loopback, 50, '/nothing/here')
        inside(loopback, 'redis-benchmark', '-q', '-n', 500, '-c', 5, '-t', 'set,get')
        log = logged(loopback, 250)
        a.until(lambda: a.total('http_requests_total', server_port='80') >= 250, 'HTTP exchanges')
        assert a.total('http_requests_total', server_port='80') == 250
        assert a.total('http_requests_total', server_port='80', status_code='404') == 50
        assert a.total('http_requests_total', server_port='80', route='/item/{id}', method='GET', status_code='200') == 200
        assert a.total('http_response_body_bytes_sum', server_port='80') == sum(e[4] for e in log)
        calls = +(loopback.redis.calls() - before)
        a.until(lambda: a.total('redis_requests_total') >= 1000, 'Redis exchanges')
        assert a.total('redis_requests_total', command='SET') == calls['SET'] == 500
        assert a.total('redis_requests_total', command='GET') == calls['GET'] == 500
        assert a.get('/healthz') == 'ok\n'
        status = a.json('/api/v1/status')
        assert status['capture']['running'] and status['config'] == 'built-in defaults'
        ledger = a.json('/api/v1/ledger')
        assert ledger['protocols']['redis']['answered'] >= 1000
        own = a.samples('/metrics')
        assert own['packetd_build_info'][0][1] == 1
        assert not [n for n in own if n.startswith('http_')]
        with open('/proc/%d/status' % a.child.pid, encoding='utf8') as f:
            rights = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
        assert int(rights['CapEff'], 16) == 0
        said = a.stop()
    assert 'built-in defaults' in said and 'ledger' in said


def test_old_labels(loopback):
    """requireLabels as in files of the Go program: those labels, in that order, and no others."""
    with ag.Agent(RULES % REDIS + LABELS, namespace=loopback.namespace) as a:
        ab(loopback, 20, '/item/1', '-k')
        a.until(lambda: a.total('http_requests_total') >= 20, 'exchanges')
        lines = [line for line in a.get('/protocol/metrics').splitlines() if line.startswith('http_requests_total{')]
        assert lines == ['http_requests_total{server_port="80",method="GET",path="/item/{id}",status_code="200"} 20'], lines
        a.stop()


def watch(a, query, *options):
    return a.get('/watch?' + query, *options)


def test_live_stream(loopback):
    with ag.Agent(RULES % REDIS, namespace=loopback.namespace) as a, concurrent.futures.ThreadPoolExecutor() as pool:
        everything = pool.submit(watch, a, 'max_message=30&timeout=20s')
        failed = pool.submit(watch, a, 'timeout=20s&max_message=10&filter=http.status%20%3E%3D%20400')
        events = pool.submit(watch, a, 'max_message=5&timeout=20s', '-H', 'Accept: text/event-stream')
        a.until(lambda: a.json('/api/v1/status')['watchers'] == 3, 'watchers')
        ab(loopback, 40, '/item/1', '-k')
        ab(loopback, 10, '/nothing', '-k')
        lines = [json.loads(line) for line in everything.result(30).splitlines()]
        assert len(lines) == 30 and {r['Response']['StatusCode'] for r in lines} <= {200, 404}
        lines = [json.loads(line) for line in failed.result(30).splitlines()]
        assert [r['Response']['StatusCode'] for r in lines] == [404] * 10
        blocks = [b for b in events.result(30).split('\n\n') if b.startswith('data: ')]
        assert len(blocks) == 5 and all(json.loads(b[6:])['Proto'] == 'http' for b in blocks)
        recent = a.json('/api/v1/roundtrips?limit=7')
        assert len(recent['roundtrips']) == 7 and recent['source'] == 'recent'
        code, said = a.status('/watch?filter=http.stats%20==%201')
        assert code == 400 and 'http.status' in said
        began = time.monotonic()
        assert watch(a, 'timeout=1s') == ''
        assert time.monotonic() - began < 15
        a.stop()


def test_watcher_that_leaves(loopback):
    with ag.Agent(RULES % REDIS, namespace=loopback.namespace) as a:
        gone = subprocess.Popen([*a.curl, '--max-time', '60', a.url('/watch?timeout=1h')], stdout=subprocess.DEVNULL)
        a.until(lambda: a.json('/api/v1/status')['watchers'] == 1, 'watcher')
        gone.kill()
        gone.wait()
        a.until(lambda: a.json('/api/v1/status')['watchers'] == 0, 'end of the watcher')
        a.stop()


def test_many_watchers(loopback):
    with ag.Agent(RULES % '', namespace=loopback.namespace) as a:
        waiting = [subprocess.Popen([*a.curl, '--max-time', '60', a.url('/watch?timeout=1h')], stdout=subprocess.DEVNULL) for _ in range(16)]
        try:
            a.until(lambda: a.json('/api/v1/status')['watchers'] == 16, 'watchers')
            assert a.status('/watch?timeout=1s')[0] == 503
            assert a.get('/healthz') == 'ok\n'
        finally:
            for w in waiting:
                w.kill()
                w.wait()
        a.stop()


def test_reload_under_load(loopback):
    """Rules, labels and outputs change while requests are made: not one exchange is lost, none counted twice."""
    list(loopback.nginx.logged())
    records = 'exporter: {roundtrips: {enabled: true, filename: %s}}'
    with ag.Agent(namespace=loopback.namespace, config=RULES % '' + LABELS) as a, concurrent.futures.ThreadPoolExecutor() as pool:
        load = pool.submit(ab, loopback, 6000, '/item/3', '-k')
        for n in range(6):
            a.configure(RULES % (REDIS if n % 2 else '') + LABELS + '\nserver: {address: "127.0.0.1:9091"}\n')
            code, said = a.reload() if n % 3 else (200, a.child.send_signal(signal.SIGHUP))
            assert code == 200, said
            time.sleep(0.1)
        load.result(60)
        assert len(logged(loopback, 6000)) == 6000
        ledger = a.json('/api/v1/ledger')
        a.until(lambda: a.total('http_requests_total') + a.json('/api/v1/ledger')['kernel_dropped'] >= 6000, 'exchanges')
        if not ledger['kernel_dropped']:
            assert a.total('http_requests_total') == 6000
        a.configure(RULES % REDIS + LABELS + records % a.path('records.jsonl'))
        assert a.reload()[0] == 200
        inside(loopback, 'redis-benchmark', '-q', '-n', 300, '-c', 3, '-t', 'set')
        a.until(lambda: a.total('redis_requests_total', command='SET') == 300, 'Redis exchanges')
        ab(loopback, 100, '/size/100', '-k')
        a.until(lambda: a.total('http_requests_total') >= (6100 if not ledger['kernel_dropped'] else 0), 'exchanges')
        path = a.path('records.jsonl')
        a.until(lambda: a.text('records.jsonl').count('"URL":"/size/100"') >= 100, 'records')
        a.child.send_signal(signal.SIGTERM)
        a.child.wait(60)
        with open(path, encoding='utf8') as f:
            lines = [json.loads(line) for line in f]
        count = collections.Counter((r['Proto'], r['Request'].get('Command') or r['Request'].get('URL')) for r in lines)
        assert count['http', '/size/100'] == 100 and count['redis', 'SET'] == 300, count
        a.ended()


def test_bad_reload(loopback):
    """A file that is wrong is refused with all that is wrong, and nothing changes."""
    with ag.Agent(RULES % '', namespace=loopback.namespace) as a:
        a.configure('sniffer:\n  iface: lo\nserver: {adress: "x", enabled: maybe}\n')
        code, said = a.reload()
        assert code == 400
        error = json.loads(said)['error']
        for part in (':2:', 'ifaces', ':3:', 'address', 'maybe'):
            assert part in error, error
        ab(loopback, 10, '/item/1')
        a.until(lambda: a.total('http_requests_total') == 10, 'exchanges')
        a.child.send_signal(signal.SIGHUP)
        a.until(lambda: a.json('/api/v1/status')['reloadFailures'] == 2, 'the second refusal')
        os.unlink(a.path('packetd.yaml'))
        assert a.reload()[0] == 400
        assert 'not taken over' in a.stop()


def test_file_is_watched(loopback):
    text = RULES + 'controller: {autoReload: true}\n'
    with ag.Agent(text % '', namespace=loopback.namespace) as a:
        a.configure(text % REDIS)
        a.until(lambda: a.json('/api/v1/status')['reloads'] == 1, 'the reload')
        inside(loopback, 'redis-benchmark', '-q', '-n', 50, '-c', 1, '-t', 'set')
        a.until(lambda: a.total('redis_requests_total', command='SET') == 50, 'Redis exchanges')
        a.stop()


def test_pipelines(loopback):
    """filter, sample and attributes narrow what comes after them; records take what roundtripstorecords lets through."""
    config = RULES % '' + '''
processor:
  - name: roundtripstometrics
    config: {http: {requireLabels: [response.status_code]}}
  - name: filter/failed
    config: {expression: "http.status >= 400"}
  - name: sample/none
    config: {head: 0, keepErrors: true}
  - name: redact
    config: {mask: [http.url, http.path]}
  - name: roundtripstorecords
pipeline:
  - {name: metrics/failed, processors: [filter/failed, roundtripstometrics]}
  - {name: records/some, processors: [sample/none, redact, roundtripstorecords]}
exporter:
  roundtrips: {enabled: true, filename: records.jsonl}
'''
    with ag.Agent(config, namespace=loopback.namespace) as a:
        ab(loopback, 30, '/item/5')
        ab(loopback, 20, '/nothing/5')
        a.until(lambda: a.total('http_requests_total') == 20, 'exchanges')
        assert a.total('http_requests_total', status_code='404') == 20
        a.until(lambda: a.text('records.jsonl').count('\n') == 20, 'records')
        for line in a.text('records.jsonl').splitlines():
            r = json.loads(line)
            assert r['Response']['StatusCode'] == 404 and r['Request']['Path'] == '***' and r['Request']['URL'] == '***', line
        a.stop()


def test_credentials_and_tls(loopback, tmp_path):
    inside(loopback, 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1',
           '-keyout', tmp_path / 'key.pem', '-out', tmp_path / 'cert.pem')
    config = RULES % '' + '''
server:
  tls: {certFile: %s, keyFile: %s}
  auth: {username: ann, password: secret, bearerToken: tok-1}
''' % (tmp_path / 'cert.pem', tmp_path / 'key.pem')
    with ag.Agent(config, namespace=loopback.namespace, wait=False) as a:
        a.scheme = 'https'
        a.curl += ['--cacert', str(tmp_path / 'cert.pem')]
        a.until(a.ready, 'the agent')  # health needs no credentials
        assert a.status('/metrics')[0] == 401
        assert a.status('/metrics', '-u', 'ann:wrong')[0] == 401
        assert a.status('/-/reload', '-X', 'POST')[0] == 401
        assert a.status('/metrics', '-u', 'ann:secret')[0] == 200
        assert a.status('/protocol/metrics', '-H', 'Authorization: Bearer tok-1')[0] == 200
        assert a.status('/nowhere', '-H', 'Authorization: Bearer tok-1')[0] == 404
        assert 'secret' not in a.stop()


def test_client_certificates(loopback, tmp_path):
    """Only clients of the authority get in; libmicrohttpd itself lets anybody."""
    for name in ('ca', 'other'):
        inside(loopback, 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=' + name, '-addext', 'subjectAltName=IP:127.0.0.1',
               '-keyout', tmp_path / (name + '.key'), '-out', tmp_path / (name + '.pem'))
    inside(loopback, 'openssl', 'req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=client', '-keyout', tmp_path / 'client.key', '-out', tmp_path / 'client.csr')
    inside(loopback, 'openssl', 'x509', '-req', '-in', tmp_path / 'client.csr', '-CA', tmp_path / 'ca.pem', '-CAkey', tmp_path / 'ca.key', '-CAcreateserial', '-days', '2',
           '-out', tmp_path / 'client.pem')
    config = RULES % '' + 'server: {address: ":9091", tls: {certFile: %s, keyFile: %s, caFile: %s}}\n' % tuple(tmp_path / n for n in ('other.pem', 'other.key', 'ca.pem'))
    with ag.Agent(config, namespace=loopback.namespace, wait=False) as a:
        a.scheme = 'https'
        a.curl += ['--cacert', str(tmp_path / 'other.pem')]
        a.until(a.ready, 'the agent')
        client = '--cert', tmp_path / 'client.pem', '--key', tmp_path / 'client.key'
        for path in ('/metrics', '/watch?timeout=1s', '/nowhere'):
            assert a.status(path)[0] == 403
            assert a.status(path, '--cert', tmp_path / 'other.pem', '--key', tmp_path / 'other.key')[0] == 403
            assert a.status(path, *client)[0] == (404 if path == '/nowhere' else 200)
        assert a.status('/-/logger?level=info', '-X', 'POST', *client)[0] == 200
        a.stop()


def test_other_hosts(loopback):
    """Without credentials, what shows traffic or changes state is for this host alone; with credentials it is for all."""
    inside(loopback, 'ip', 'address', 'replace', '198.51.100.9/32', 'dev', 'lo')
    traffic = '/watch?timeout=1s', '/api/v1/roundtrips', '/-/reload', '/-/logger?level=info'
    public = '/metrics', '/protocol/metrics', '/healthz', '/readyz', '/api/v1/ledger', '/'

    def ask(a, address, path, *options):
        return int(inside(loopback, 'curl', '-s', '-g', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', 30, *(('-X', 'POST') if path.startswith('/-') else ()), *options, 'http://%s:9091%s' % (address, path)))
    with ag.Agent(RULES % '' + 'server: {address: ":9091"}\n', namespace=loopback.namespace) as a:
        for path in traffic:
            assert ask(a, '127.0.0.1', path) == ask(a, '[::1]', path) == ask(a, 'localhost', path) == 200, path
            assert ask(a, '198.51.100.9', path) == 403, path
            assert ask(a, '127.0.0.1', path, '-H', 'Host: shop.example') == 403, 'a name that was made to mean this host'
            assert ask(a, '127.0.0.1', path, '-H', 'Origin: http://shop.example') == 403, 'a web page'
        for path in public:
            assert ask(a, '198.51.100.9', path) == 200, path
        a.configure(RULES % '' + 'server: {address: ":9091", auth: {bearerToken: tok-1}}\n')
        assert a.reload()[0] == 200
        a.until(lambda: ask(a, '198.51.100.9', '/metrics') == 401, 'the new server')
        for path in traffic + public[:2]:
            assert ask(a, '198.51.100.9', path, '-H', 'Authorization: Bearer tok-1') == 200, path
        assert 'this host only' in a.stop()


SLOW = '''
import socket, sys, time
held = []
for i in range(int(sys.argv[1])):
    s = socket.create_connection(('127.0.0.1', 9091))
    s.setblocking(False)
    held.append(s)
    s.send((b'GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n', b'POST /-/logger HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 99999\\r\\n\\r\\n')[i % 2])
print(flush=True)
while True:
    time.sleep(0.5)
    for s in held:
        try:
            s.send(b'x')
        except OSError:
            pass
'''


def test_slow_clients(loopback):
    """More clients than there are places send a byte now and then and never end their requests: others get their answers, and nothing is lost."""
    with ag.Agent(RULES % '' + 'server: {maxConnections: 24, timeout: 5s}\n', namespace=loopback.namespace) as a:
        slow = subprocess.Popen(['ip', 'netns', 'exec', loopback.namespace, sys.executable, '-c', SLOW, '40'], stdout=subprocess.PIPE)
        try:
            slow.stdout.readline()
            ab(loopback, 2000, '/index.html')
            a.until(lambda: a.status('/healthz')[0] == 200, 'an answer')
            logged(loopback, 2000)
            a.until(lambda: a.status('/protocol/metrics')[0] == 200 and a.total('http_outcomes_total', outcome='answered') >= 2000, 'all exchanges')
        finally:
            slow.kill()
            slow.wait()
            slow.stdout.close()
        a.stop()


def test_http_manners(loopback):
    with ag.Agent(RULES % '', namespace=loopback.namespace) as a:
        assert a.status('/-/reload')[0] == 405
        assert a.status('/metrics', '-X', 'POST')[0] == 405
        assert a.status('/metrics', '-I')[0] == 200
        code, said = a.status('/protocol/metric')
        assert code == 404 and '/protocol/metrics' in said
        assert a.status('/debug/pprof/profile')[0] == 404
        assert a.status('/-/logger', '-d', 'level=loud')[0] == 400
        assert json.loads(a.get('/-/logger', '-d', 'level=debug')) == {'status': 'success'}
        assert json.loads(a.get('/-/logger?level=info', '-X', 'POST')) == {'status': 'success'}
        assert a.status('/-/logger', '--data-binary', '@/bin/bash')[0] in (413, 400)
        assert a.get('/metrics', '-H', 'Accept: application/openmetrics-text').endswith('# EOF\n')
        a.stop()


def test_address_in_use(loopback):
    with ag.Agent(RULES % '', namespace=loopback.namespace) as a, ag.Agent(RULES % '', namespace=loopback.namespace, wait=False) as second:
        said = second.ended(code=1)
        assert 'in use' in said and 'server.address' in said
        a.stop()


def test_capture_as_input():
    """A capture goes through the same pipelines; then the agent ends."""
    config = '''
server: {enabled: false}
exporter: {roundtrips: {enabled: true, filename: out.jsonl}}
'''
    capture = os.path.join(os.path.dirname(__file__), '..', 'captures', 'http_keepalive.pcap')
    want = observe.watch(capture).roundtrips
    with ag.Agent(config, '--pcap-file', os.path.abspath(capture), wait=False) as a:
        a.child.wait(60)
        got = [json.loads(line) for line in a.text('out.jsonl').splitlines()]
        a.ended()
    assert got == want


def test_server_moves(loopback):
    """Address and credentials of the server change by a reload; the answer to it still comes from the old place."""
    with ag.Agent(RULES % '', namespace=loopback.namespace) as a:
        a.configure(RULES % '' + 'server: {address: "127.0.0.1:9092", auth: {bearerToken: tok}}\n')
        code, said = a.reload()
        assert code == 200 and 'next start' not in said, said
        a.port = 9092
        a.until(lambda: a.status('/metrics', '-H', 'Authorization: Bearer tok')[0] == 200, 'the new address')
        assert a.status('/metrics')[0] == 401
        a.port = 9091
        assert a.status('/healthz')[0] == 0
        a.configure(RULES % '' + 'server: {address: "127.0.0.1:9092", auth: {bearerToken: two}}\n')
        a.port = 9092
        assert a.status('/-/reload', '-X', 'POST', '-H', 'Authorization: Bearer tok')[0] == 200
        a.until(lambda: a.status('/metrics', '-H', 'Authorization: Bearer two')[0] == 200, 'the new token')
        a.stop()


def test_server_that_cannot_move(loopback, tmp_path):
    """An address in use, a certificate that is none: the reload fails and says so, and the server goes on as it was. At the same address no client is refused."""
    (tmp_path / 'bad.pem').write_text('nonsense')
    with ag.Agent(RULES % '', namespace=loopback.namespace) as a:
        for server, why in (('{address: "127.0.0.1:6379"}', 'in use'), ('{address: "127.0.0.1:1"}', 'below 1024'), ('{tls: {certFile: %s, keyFile: %s}}' % (tmp_path / 'bad.pem', tmp_path / 'bad.pem'), 'PEM'),
                            ('{tls: {certFile: /nowhere, keyFile: /nowhere}}', '/nowhere')):
            a.configure(RULES % '' + 'server: %s\n' % server)
            code, said = a.reload()
            assert code == 400 and why in said, said
            assert a.status('/metrics')[0] == 200
        for i in range(5):
            a.configure(RULES % '' + 'server: {timeout: %ds}\n' % (20 + i))
            assert a.reload()[0] == 200
            assert a.status('/metrics')[0] == 200
        a.configure(RULES % '' + 'server: {enabled: false}\n')
        assert a.reload()[0] == 200
        a.until(lambda: a.status('/metrics')[0] == 0, 'no server')
        a.configure(RULES % '')
        a.child.send_signal(signal.SIGHUP)
        a.until(lambda: a.status('/metrics')[0] == 200, 'the server')
        a.stop()
