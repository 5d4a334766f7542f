"""The agent with Jaeger, the OpenTelemetry Collector's receiver, VictoriaLogs and OpenSearch, where `make test-backends` has built them: what is
asked back from them is what the recordings' clients know to have happened."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse
import urllib.request

import backend
import observe
import pytest
import recorded

REAL = os.environ.get('PACKETD_REAL') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'packetd-real')
NAMES = ('http_keepalive', 'http_misc', 'dns_udp', 'redis_plain')
EXCHANGES = sum(len(recorded.exchanges(n)) for n in NAMES)


def program(name):
    path = os.path.join(REAL, name)
    if not os.access(path, os.X_OK):
        pytest.skip('%s is not built: make test-backends' % name)
    return path


def get(url, body=None):
    with urllib.request.urlopen(url, body, timeout=20) as answer:
        return answer.read()


def answers(url):
    try:
        return get(url) is not None
    except OSError:
        return False


class Running:
    def __init__(self, folder, *command, ready, seconds=60, **more):
        self.seconds = seconds
        self.out = open(os.path.join(str(folder), 'server.out'), 'ab')
        self.command, self.ready, self.more = list(map(str, command)), ready, more
        self.start()

    def start(self):
        self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out, **self.more)
        backend.wait_for(lambda: answers(self.ready), self.seconds, self.command[0])

    def end(self, sig=signal.SIGKILL):
        self.child.send_signal(sig)
        self.child.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.child.kill()
        self.child.wait()
        self.out.close()


def send(folder, exporters, names=NAMES):
    (folder / 'packetd.yaml').write_text('server: {enabled: false}\nexporter:\n' + exporters)
    for name in names:
        done = subprocess.run([observe.PACKETD, 'agent', '--config', 'packetd.yaml', '--pcap-file', recorded.path(name)], cwd=folder, capture_output=True, timeout=120, check=False,
                              env=dict(os.environ, TZ='UTC'))
        said = (done.stdout + done.stderr).decode('utf8', 'replace')
        assert done.returncode == 0 and 'Sanitizer' not in said, said[-3000:]


def truth(names=NAMES):
    """{protocol: (exchanges, the sum of their durations in µs)}"""
    units = {'ns': 1e-3, 'µs': 1, 'ms': 1e3, 's': 1e6}
    found = {}
    for name in names:
        for r in observe.watch(recorded.path(name)).roundtrips:
            number, unit = re.fullmatch(r'([\d.]+)(ns|µs|ms|s)', r['Duration'] or '0s').groups()
            n, sum_ = found.get(r['Proto'], (0, 0))
            found[r['Proto']] = n + 1, sum_ + float(number) * units[unit]
    return found


@pytest.mark.parametrize('protocol', ['http', 'grpc'])
def test_jaeger(tmp_path, protocol):
    jaeger = program('jaeger')
    ports = [backend.free_port() for _ in range(5)]
    base = 'http://127.0.0.1:%d' % ports[0]
    with Running(tmp_path, jaeger, '--query.http-server.host-port=127.0.0.1:%d' % ports[0], '--collector.otlp.http.host-port=127.0.0.1:%d' % ports[1],
                 '--collector.otlp.grpc.host-port=127.0.0.1:%d' % ports[2], '--admin.http.host-port=127.0.0.1:%d' % ports[3], '--query.grpc-server.host-port=127.0.0.1:%d' % ports[4],
                 '--collector.http-server.host-port=127.0.0.1:0', '--collector.grpc-server.host-port=127.0.0.1:0', '--memory.max-traces=10000',
                 ready=base + '/api/services', env=dict(os.environ, SPAN_STORAGE_TYPE='memory')):
        endpoint = 'http://127.0.0.1:%d/v1/traces' % ports[1] if protocol == 'http' else '127.0.0.1:%d' % ports[2]
        send(tmp_path, '  traces: {enabled: true, protocol: %s, endpoint: "%s"}\n' % (protocol, endpoint))
        times = [p.ts // 1000 for n in NAMES for p in recorded.load(n)]
        spans = {}

        def arrived():
            for service in json.loads(get(base + '/api/services'))['data'] or ():
                query = urllib.parse.urlencode({'service': service, 'limit': 5000, 'start': min(times) - 1, 'end': max(times) + 1})
                for trace in json.loads(get(base + '/api/traces?' + query))['data']:
                    spans.update({s['spanID']: s for s in trace['spans']})
            return len(spans) >= EXCHANGES
        backend.wait_for(arrived, 60, 'spans')
        assert len(spans) == EXCHANGES
        kinds = [{t['key']: t['value'] for t in s['tags']} for s in spans.values()]
        statuses = sorted(k['http.response.status_code'] for k in kinds if 'http.response.status_code' in k)
        known = sorted(x['response']['status'] for n in NAMES for x in recorded.exchanges(n) if x['protocol'] == 'http' and x['response'])
        assert statuses == known
        total = sum(sum_ for _, sum_ in truth().values())
        assert abs(sum(s['duration'] for s in spans.values()) - total) <= EXCHANGES, 'durations, which Jaeger keeps in whole µs'


def test_jaeger_quick_start(tmp_path):
    """As deploy/README.md has it, with Jaeger's own ports but for the one that is replaced: every exchange is a span of the service packetd."""
    deploy = os.path.join(os.path.dirname(__file__), '..', '..', 'deploy')
    with open(os.path.join(deploy, 'README.md'), encoding='utf8') as f:
        commands = [line.split() for line in re.search(r'<!-- tested: jaeger -->\n\n((?:    .*\n)+)', f.read())[1].splitlines()]
    with open(os.path.join(deploy, '..', commands[1][-1]), encoding='utf8') as f:
        config = f.read()
    ports = [backend.free_port() for _ in range(5)]
    assert commands[0] == ['jaeger'] and config.count(':4318/') == 1
    (tmp_path / 'packetd.yaml').write_text(config.replace(':4318/', ':%d/' % ports[1]) + 'server: {enabled: false}\n')
    base = 'http://127.0.0.1:%d' % ports[0]
    with Running(tmp_path, program('jaeger'), '--query.http-server.host-port=127.0.0.1:%d' % ports[0], '--collector.otlp.http.host-port=127.0.0.1:%d' % ports[1],
                 '--collector.otlp.grpc.host-port=127.0.0.1:%d' % ports[2], '--admin.http.host-port=127.0.0.1:%d' % ports[3], '--query.grpc-server.host-port=127.0.0.1:%d' % ports[4],
                 '--collector.http-server.host-port=127.0.0.1:0', '--collector.grpc-server.host-port=127.0.0.1:0',
                 ready=base + '/api/services', env=dict(os.environ, SPAN_STORAGE_TYPE='memory')):
        path = recorded.path('http_keepalive')
        done = subprocess.run([observe.PACKETD, *commands[1][2:-1], 'packetd.yaml', '--pcap-file', path], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0 and not re.search('WARN|ERROR|Sanitizer', done.stdout + done.stderr), (done.stdout + done.stderr)[-3000:]
        times = [p.ts // 1000 for p in recorded.load('http_keepalive')]
        query = urllib.parse.urlencode({'service': 'packetd', 'limit': 1000, 'start': min(times) - 1, 'end': max(times) + 1})
        backend.wait_for(lambda: sum(len(t['spans']) for t in json.loads(get(base + '/api/traces?' + query))['data']) == len(recorded.exchanges('http_keepalive')), 60, 'spans')


def test_collector(tmp_path):
    """Spans, log records and metrics through the Collector's receiver, which comes back after the agent has begun."""
    sink = program('otlpsink')
    ports = backend.free_port(), backend.free_port()
    url = 'http://127.0.0.1:%d' % ports[1]
    late = subprocess.Popen(['sh', '-c', 'sleep 3; exec "$@" > out', 'sh', sink, '127.0.0.1:%d' % ports[0], url[7:]], cwd=tmp_path)
    try:
        send(tmp_path, '  traces: {enabled: true, endpoint: "%s/v1/traces"}\n  logs: {enabled: true, protocol: grpc, endpoint: "127.0.0.1:%d"}\n  otlpMetrics: {enabled: true, interval: 1s, endpoint: "%s/v1/metrics"}\n'
             % (url, ports[0], url))
    finally:
        late.send_signal(signal.SIGINT)
        late.wait(30)
    lines = [json.loads(line) for line in (tmp_path / 'out').read_text().splitlines()]
    assert sum(len(y['spans']) for line in lines for x in line.get('resourceSpans', ()) for y in x['scopeSpans']) == EXCHANGES
    assert sum(len(y['logRecords']) for line in lines for x in line.get('resourceLogs', ()) for y in x['scopeLogs']) == EXCHANGES
    last = {}
    for line in lines:
        for m in (m for x in line.get('resourceMetrics', ()) for y in x['scopeMetrics'] for m in y['metrics']):
            for point in m.get('sum', {}).get('dataPoints', ()) if re.fullmatch('(http|dns|redis)_outcomes_total', m['name']) else ():
                # one capture after the other, each a program of its own that began then
                key = m['name'], point.get('startTimeUnixNano'), json.dumps(point.get('attributes'), sort_keys=True)
                last[key] = max(last.get(key, 0), float(point.get('asDouble') or point.get('asInt') or 0))
    assert sum(last.values()) == EXCHANGES


def test_victoria_logs(tmp_path):
    """Documents by number and sum, also over a restart of the store while the agent has more for it."""
    port = backend.free_port()
    base = 'http://127.0.0.1:%d' % port
    with Running(tmp_path, program('victoria-logs'), '-storageDataPath=%s' % (tmp_path / 'data'), '-httpListenAddr=127.0.0.1:%d' % port, '-retentionPeriod=100y', ready=base + '/health') as store:
        exporter = '  elasticsearch: {enabled: true, endpoint: "%s/insert/elasticsearch/", header: {VL-Time-Field: "@timestamp", VL-Msg-Field: Outcome}}\n' % base
        send(tmp_path, exporter, NAMES[:2])
        store.end(signal.SIGINT)
        again = subprocess.Popen(['sh', '-c', 'sleep 3; exec "$@"', 'sh', *store.command], stdout=store.out, stderr=store.out)
        try:
            send(tmp_path, exporter, NAMES[2:])
            sums = {}

            def stored():
                text = get(base + '/select/logsql/query', b'query=* | stats by (Proto) count() n, sum(DurationSeconds) s').decode()
                sums.update((d['Proto'], (int(d['n']), float(d['s']) * 1e6)) for d in map(json.loads, text.splitlines()))
                return sum(n for n, _ in sums.values()) >= EXCHANGES
            backend.wait_for(stored, 60, 'documents')
            for protocol, (n, sum_) in truth().items():
                assert sums[protocol][0] == n and abs(sums[protocol][1] - sum_) < 1, protocol
        finally:
            again.kill()
            again.wait()


INDEX = 'logs-packetd.roundtrips-default'
OPENSEARCH_NAMES = sorted(recorded.NAMES, key=lambda name: not name.startswith('dns'))


def ask(base, path, body=None):
    request = urllib.request.Request(base + path, json.dumps(body).encode() if body is not None else None, {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def sums_in(base):
    """{protocol: (documents, the sum of their durations in µs)}"""
    try:
        ask(base, '/%s/_refresh' % INDEX, {})
        found = ask(base, '/%s/_search' % INDEX, {'size': 0, 'aggs': {'p': {'terms': {'field': 'Proto', 'size': 50}, 'aggs': {'s': {'sum': {'field': 'DurationSeconds'}}}}}})
    except OSError:
        return {}
    return {b['key']: (b['doc_count'], b['s']['value'] * 1e6) for b in found['aggregations']['p']['buckets']}


def saved_objects():
    """Kibana's searches and charts as (title, what they look for, aggregations)."""
    with open(os.path.join(os.path.dirname(__file__), '..', '..', 'deploy', 'kibana', 'packetd.ndjson'), encoding='utf8') as f:
        for o in map(json.loads, f):
            if o['type'] in ('search', 'visualization'):
                kuery = json.loads(o['attributes']['kibanaSavedObjectMeta']['searchSourceJSON'])['query']['query']
                lucene = re.sub(r' >= ', ':>=', re.sub(r': ', ':', kuery.replace(' or ', ' OR ').replace('not ', 'NOT ')))
                yield o['attributes']['title'], lucene or '*', json.loads(o['attributes'].get('visState', '{}')).get('aggs', ())


def aggregation(a):
    if a['type'] == 'date_histogram':
        return {'date_histogram': {'field': a['params']['field'], 'fixed_interval': '1d', 'min_doc_count': 1}}
    return {a['type']: {k: v for k, v in a['params'].items() if k in ('field', 'size', 'percents')}}


def test_opensearch(tmp_path):
    """Every protocol's documents into one data stream, by number and sum, although the store is killed and comes back; sent again they are
    not there twice. Headers can be searched, and Kibana's saved objects find something."""
    ports = backend.free_port(), backend.free_port()
    base = 'http://127.0.0.1:%d' % ports[0]
    exporter = '  elasticsearch: {enabled: true, endpoint: "%s"}\n' % base
    known = truth(OPENSEARCH_NAMES)
    with Running(tmp_path, program('opensearch'), tmp_path / 'store', *ports, ready=base, seconds=180) as store:
        send(tmp_path, exporter, OPENSEARCH_NAMES[:3])
        store.end()
        late = threading.Timer(3, store.start)
        late.start()
        send(tmp_path, exporter, OPENSEARCH_NAMES[3:])
        late.join()
        send(tmp_path, exporter, OPENSEARCH_NAMES[:3])
        backend.wait_for(lambda: sum(n for n, _ in sums_in(base).values()) >= sum(n for n, _ in known.values()), 60, 'documents')
        stored = sums_in(base)
        assert {p: n for p, (n, _) in stored.items()} == {p: n for p, (n, _) in known.items()}
        for protocol, (_, sum_) in known.items():
            assert abs(stored[protocol][1] - sum_) < 1, protocol

        def count(text):
            return ask(base, '/%s/_count' % INDEX, {'query': {'query_string': {'query': text}}})['count']
        agents = [r['Request']['Header']['User-Agent'][0] for n in OPENSEARCH_NAMES for r in observe.watch(recorded.path(n)).roundtrips if r['Proto'] == 'http' and 'User-Agent' in (r['Request'].get('Header') or {})]
        assert agents and count('Request.Header.User-Agent:"%s"' % agents[0]) == agents.count(agents[0])
        for title, lucene, aggs in saved_objects():
            body = {'size': 1, 'query': {'query_string': {'query': lucene}}, 'aggs': {str(i): aggregation(a) for i, a in enumerate(aggs) if a['type'] != 'count'}}
            found = ask(base, '/%s/_search' % INDEX, body)
            assert found['hits']['total']['value'] or 'slow' in title, title
            for a in found.get('aggregations', {}).values():
                assert a.get('buckets') or a.get('values') or a.get('value'), title
