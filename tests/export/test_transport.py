"""The ways to a back end: gRPC, TLS with and without client certificates; and real receivers where their programs are there."""

import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request

import pytest

import backend
import observe
from backend import Backend, Drive, drive, records
from grpcserver import GrpcServer


def grpc(server, *options, **settings):
    return drive('traces', *options, grpc=1, endpoint='127.0.0.1:%d' % server.port, **settings)


@pytest.mark.parametrize('compression', ['', 'gzip'])
def test_grpc(compression):
    with GrpcServer() as s:
        c = grpc(s, '--count', 1000, batch=150, compression=compression)
        assert c['delivered'] == 1000 and c['failures'] == 0, c['log']
        assert sum(len(records(m)) for _, _, m in s.calls) == 1000
        path, headers, _ = s.calls[0]
        assert path == '/opentelemetry.proto.collector.trace.v1.TraceService/Export' and headers['user-agent'].startswith('packetd/')


@pytest.mark.parametrize('status', [1, 4, 10, 14, 'close'])
def test_grpc_tries_again(status):
    with GrpcServer(lambda n, path, m: status if n < 2 else 0) as s:
        c = grpc(s, '--count', 300, '--stop', 60000, batch=100)
        assert c['delivered'] == 300 and c['retries'] >= 2
        assert sum(len(records(m)) for _, _, m in s.calls) == 300


@pytest.mark.parametrize('status', [3, 7, 12, 13, 16])
def test_grpc_not_wanted(status):
    with GrpcServer(lambda n, path, m: status if n == 1 else 0) as s:
        c = grpc(s, '--count', 300, batch=100)
        assert c['delivered'] == 200 and c['refused'] == 100 and 'grpc-status %d: as told' % status in c['log']


def test_grpc_exhausted():
    """Without a time it is too large; with one it is tried again then."""
    with GrpcServer(lambda n, path, m: 8 if n == 0 else 0) as s:
        c = grpc(s, '--count', 200, batch=100)
        assert c['too_large'] == 100 and c['delivered'] == 100
    delay = b'\x08\x01\x10\x80\xca\xb5\xee\x01'  # 1.5 s
    info = b'\x0a' + bytes([len(delay)]) + delay
    kind = b'type.googleapis.com/google.rpc.RetryInfo'
    any_ = b'\x0a' + bytes([len(kind)]) + kind + b'\x12' + bytes([len(info)]) + info
    details = base64.b64encode(b'\x08\x08\x1a' + bytes([len(any_)]) + any_).decode().rstrip('=')
    times = []

    def behave(n, path, m):
        times.append(time.monotonic())
        return (8, {'grpc-status-details-bin': details}, b'') if n == 0 else 0

    with GrpcServer(behave) as s:
        c = grpc(s, '--count', 100, '--stop', 60000)
        assert c['delivered'] == 100 and times[1] - times[0] > 1.4


def test_grpc_partial_success():
    with GrpcServer(lambda n, path, m: (0, {}, b'\x0a\x0c\x08\x05\x12\x08too many')) as s:
        c = grpc(s, '--count', 100)
        assert c['refused'] == 5 and c['delivered'] == 95


def test_grpc_comes_back():
    port = backend.free_port()
    d = Drive('logs', '--count', 1000, '--stop', 60000, grpc=1, endpoint='http://127.0.0.1:%d' % port, batch=100)
    time.sleep(1)
    with GrpcServer(port=port) as s:
        c = d.end()
        assert c['delivered'] == 1000 and s.calls[0][0].endswith('logs.v1.LogsService/Export')


# --- TLS ---

@pytest.fixture(scope='module')
def certificates(tmp_path_factory):
    d = tmp_path_factory.mktemp('tls')

    def openssl(*arguments):
        subprocess.run(['openssl', *arguments], cwd=d, check=True, capture_output=True)
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test CA', '-days', '30')
    for name, san in (('server', 'IP:127.0.0.1'), ('other', 'DNS:collector.example'), ('client', 'DNS:client')):
        openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', name + '.key', '-out', name + '.csr', '-subj', '/CN=' + name)
        (d / 'ext').write_text('subjectAltName=' + san + '\n')
        openssl('x509', '-req', '-in', name + '.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', name + '.pem', '-days', '30', '-extfile', 'ext')
    return d


def context(d, name='server', client=False):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(d / (name + '.pem'), d / (name + '.key'))
    if client:
        c.verify_mode = ssl.CERT_REQUIRED
        c.load_verify_locations(d / 'ca.pem')
    return c


def test_tls(certificates):
    d = certificates
    with Backend(tls=context(d)) as b:
        c = drive('traces', '--count', 500, endpoint=b.url, batch=50, ca_file=d / 'ca.pem')
        assert c['delivered'] == 500
        c = drive('traces', '--count', 10, '--stop', 2000, endpoint=b.url)
        assert c['abandoned'] == 10 and 'certificate' in c['log']
        c = drive('traces', '--count', 10, endpoint=b.url, insecure=1)
        assert c['delivered'] == 10


def test_server_name(certificates):
    d = certificates
    with Backend(tls=context(d, 'other')) as b:
        c = drive('traces', '--count', 10, '--stop', 2000, endpoint=b.url, ca_file=d / 'ca.pem')
        assert c['delivered'] == 0
        c = drive('traces', '--count', 10, endpoint=b.url + '/x', ca_file=d / 'ca.pem', server_name='collector.example')
        assert c['delivered'] == 10 and b.taken[0].headers['Host'] == '127.0.0.1:%d' % b.port and b.taken[0].path == '/x'


def test_client_certificate(certificates):
    d = certificates
    with Backend(tls=context(d, client=True)) as b:
        c = drive('traces', '--count', 10, '--stop', 2000, endpoint=b.url, ca_file=d / 'ca.pem')
        assert c['delivered'] == 0
        c = drive('traces', '--count', 500, endpoint=b.url, batch=50, ca_file=d / 'ca.pem', cert_file=d / 'client.pem', key_file=d / 'client.key')
        assert c['delivered'] == 500


# --- real receivers: built once with `tests/export/real.sh`, left out otherwise ---

REAL = os.environ.get('PACKETD_REAL') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'packetd-real')


def real(name):
    path = os.path.join(REAL, name)
    return pytest.mark.skipif(not os.access(path, os.X_OK), reason='%s is not built: tests/export/real.sh' % name), path


needs_receiver, RECEIVER = real('otlpsink')
needs_logs, VICTORIA_LOGS = real('victoria-logs')
needs_store, STORE = real('rwsink')


@needs_receiver
@pytest.mark.parametrize('exporter,path,key', [('traces', 'traces', ('resourceSpans', 'scopeSpans', 'spans')), ('logs', 'logs', ('resourceLogs', 'scopeLogs', 'logRecords')),
                                               ('otlpMetrics', 'metrics', ('resourceMetrics', 'scopeMetrics', 'metrics'))])
@pytest.mark.parametrize('way', ['http', 'grpc'])
def test_collector(exporter, path, key, way, tmp_path):
    """The OpenTelemetry Collector's receiver understands what is sent."""
    ports = backend.free_port(), backend.free_port()
    with open(tmp_path / 'out', 'wb') as out:
        p = subprocess.Popen([RECEIVER, '127.0.0.1:%d' % ports[0], '127.0.0.1:%d' % ports[1]], stdout=out, stderr=subprocess.PIPE)
        assert p.stderr.readline() == b'ready\n'
        endpoint = '127.0.0.1:%d' % ports[0] if way == 'grpc' else 'http://127.0.0.1:%d/v1/%s' % (ports[1], path)
        c = drive(exporter, '--count', 600, '--stop', 60000, endpoint=endpoint, grpc=int(way == 'grpc'), compression='gzip', batch=200)
        p.send_signal(signal.SIGINT)
        p.wait(30)
    assert c['delivered'] == c['offered'] and c['failures'] == 0, c['log']
    resource, scope, record = key
    lines = [json.loads(line) for line in (tmp_path / 'out').read_text().splitlines()]
    got = [r for line in lines for x in line[resource] for y in x[scope] for r in y[record]]
    if exporter != 'otlpMetrics':
        assert len(got) == 600
        attributes = [{a['key']: a['value'] for a in r['attributes']} for r in got]
        assert sum(int(a['http.response.size']['intValue']) for a in attributes) == sum(range(600))
    else:
        points = sum(len(m.get(k, {}).get('dataPoints', [])) for m in got for k in ('sum', 'gauge', 'exponentialHistogram'))
        assert points == c['delivered']


@needs_logs
def test_victoria_logs(tmp_path):
    port = backend.free_port()
    base = 'http://127.0.0.1:%d' % port
    with open(tmp_path / 'log', 'wb') as log:
        p = subprocess.Popen([VICTORIA_LOGS, '-storageDataPath=%s' % (tmp_path / 'data'), '-httpListenAddr=127.0.0.1:%d' % port, '-retentionPeriod=100y'], stdout=log, stderr=log)
    try:
        def answers():
            try:
                return urllib.request.urlopen(base + '/health', timeout=5).read()
            except OSError:
                return False
        backend.wait_for(answers, 60, 'victoria-logs')
        c = drive('elasticsearch', 'header=VL-Time-Field:@timestamp', 'header=VL-Msg-Field:Request.URL', '--count', 3000, '--stop', 60000, endpoint=base + '/insert/elasticsearch/', compression='gzip', template=1)
        assert c['delivered'] == 3000

        def stored():
            answer = urllib.request.urlopen(base + '/select/logsql/query', data=b'query=* | stats count() n, sum(Response.Size) s', timeout=20).read()
            return answer and json.loads(answer) == {'n': '3000', 's': str(sum(range(3000)))}
        backend.wait_for(stored, 60, 'documents')
    finally:
        p.kill()
        p.wait()


@needs_store
@pytest.mark.parametrize('version', [1, 2])
def test_prometheus_store(version, tmp_path):
    """Prometheus' own handler takes both versions, native histograms and stale markers included, and says what it has written."""
    port = backend.free_port()
    with open(tmp_path / 'out', 'wb') as out:
        p = subprocess.Popen([STORE, '127.0.0.1:%d' % port, str(tmp_path / 'data')], stdout=out, stderr=subprocess.PIPE)
        while p.stderr.readline() != b'ready\n':
            assert p.poll() is None
        c = drive('metrics', 'external=zone:b', '--count', 5, '--series', 30, '--stop', 60000, endpoint='http://127.0.0.1:%d/' % port, version=version, interval_ms=1000, batch=100, shards=2)
        assert c['delivered'] == c['offered'] and c['failures'] == 0, c['log']
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)
    series = [json.loads(line) for line in (tmp_path / 'out').read_text().splitlines()]
    if version == 1:  # each begins with a 0
        for s in series:
            if s['Values']:
                assert s['Values'].pop(0).split('/')[0] == '0' and s['Times'].pop(0) == 1740819599999
    assert sum(len(s['Times']) for s in series) == c['delivered']
    by_labels = {(s['Labels']['__name__'], s['Labels']['path']): s for s in series if 'le' not in s['Labels'] and 'vmrange' not in s['Labels']}
    assert len(by_labels) == 4 * 30 and all(s['Labels']['zone'] == 'b' for s in series)
    assert [v.split('/')[0] for v in by_labels['http_requests_total', '/items/9']['Values']] == ['10', '20', '30', '40', '50']
    assert by_labels['http_requests_total', '/items/2']['Values'][2].split('/')[1] == '7ff0000000000002'
    histogram = by_labels['http_request_duration_seconds', '/items/9']['Histograms']
    assert len(histogram) == 5 and histogram[0].startswith('{count:12, sum:0.75,')
