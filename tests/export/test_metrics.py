"""Metrics as they leave: remote write 1.0 and 2.0, OTLP metrics; decoded here by field numbers, and by real receivers."""

import json
import math
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import backend
from backend import Backend, Drive, drive, fields, snappy
from remotewrite import decode_v1, decode_v2, number, packed, signed

T0 = 1740819600000
STALE = 0x7ff0000000000002


def one(series, **labels):
    found = [s for s in series if all(s.labels.get(k.replace('name', '__name__')) == v for k, v in labels.items())]
    assert found, (labels, [s.labels for s in series][:5])
    return found


def check_values(series):
    """Against tests/tools/exporter_series.c: at its n-th round, series i."""
    counters = one(series, name='http_requests_total', path='/items/1')
    assert [p[0] for s in counters for p in s.points] == [2.0, 4.0, 6.0]
    assert counters[0].labels == {'__name__': 'http_requests_total', 'method': 'GET', 'path': '/items/1', 'cluster': 'a', 'zone': 'b'}
    le = [(s.labels['le'], s.points[0][0]) for s in one(series, name='http_request_duration_seconds_bucket', path='/items/1') if 'le' in s.labels][:3]
    assert le == [('0.01', 1.0), ('0.5', 3.0), ('+Inf', 4.0)]
    ranges = [(s.labels['vmrange'], s.points[0][0]) for s in one(series, name='http_request_duration_seconds_bucket', path='/items/1') if 'vmrange' in s.labels][:2]
    assert ranges == [('0...1.000e-09', 1.0), ('4.084e-03...4.642e-03', 3.0)]
    assert one(series, name='http_request_duration_seconds_sum', path='/items/1')[0].points[0][0] == 0.75
    assert one(series, name='http_request_duration_seconds_count', path='/items/1')[0].points[0][0] == 4.0
    gone = one(series, name='http_requests_total', path='/items/2')
    assert [p[2] for s in gone for p in s.points][2] == STALE and not math.isnan(gone[1].points[0][0])
    times = sorted({p[1] for s in series for p in s.points})
    assert times == [T0, T0 + 1000, T0 + 2000], 'the time of the capture'


def take_beginnings(series):
    """1.0 has no place for the time a counter began, so it begins with a 0 then: at most once. Takes these off."""
    begun = [s for s in series if len(s.points) == 2]
    for s in begun:
        value, time_, _ = s.points.pop(0)
        assert value == 0 and time_ == T0 - 1
    names = [tuple(sorted(s.labels.items())) for s in begun]
    assert len(set(names)) == len(names) and all(len(s.points) < 2 for s in series)
    return names


def check_native(series):
    s = one(series, name='http_request_duration_seconds', path='/items/1')
    h = fields(s[0].histograms[0])
    assert h[1] == [4] and number(h[3][0]) == 0.75 and signed(h[4][0]) == 3
    spans = [(signed(fields(x)[1][0]), fields(x)[2][0]) for x in h[11]]
    assert spans == [(-5, 4)]
    deltas = [signed(v) for v in packed(h[12][0])]
    assert deltas == [1, -1, 2, -1] and h[15] == [T0]
    gone = fields(one(series, name='http_request_duration_seconds', path='/items/2')[2].histograms[0])
    assert gone[3] == [STALE]


def run(version, **more):
    with Backend() as b:
        d = Drive('metrics', '--count', 3, '--stop', 30000, endpoint=b.url + '/api/v1/write', version=version, interval_ms=1000, **more)
        c = d.end()
        assert c['failures'] == 0, c['log']
        return b.taken, c


def test_remote_write_1():
    requests, c = run(1, external='zone:b', **{'shards': 1})
    r = requests[0]
    assert r.path == '/api/v1/write' and r.headers['Content-Encoding'] == 'snappy' and r.headers['Content-Type'] == 'application/x-protobuf'
    assert r.headers['X-Prometheus-Remote-Write-Version'] == '0.1.0'
    series = [s for r in requests for s in decode_v1(snappy(r.body))]
    begun = take_beginnings(series)
    assert set(begun) == {tuple(sorted(s.labels.items())) for s in series if s.points}, 'all of them are new'
    assert sum(len(s.points) + len(s.histograms) for s in series) == c['delivered'] == c['offered']
    for s in series:
        assert s.labels.pop('zone') == 'b'
        s.labels.update(cluster='a', zone='b')
    check_values(series)
    check_native(series)
    metadata = [fields(m) for r in requests for m in fields(snappy(r.body))[3]]
    assert [(m[1][0], m[2][0], m[4][0]) for m in metadata] == [(1, b'http_requests_total', b'requests seen'), (3, b'http_request_duration_seconds', b'time to the response')]
    assert any(s.exemplars for s in series)


def test_remote_write_2():
    with Backend(lambda n, r: 200) as b:
        d = Drive('metrics', '--count', 3, '--stop', 30000, 'external=cluster:a', 'external=zone:b', endpoint=b.url, version=2, interval_ms=1000, batch=7)
        c = d.end()
    r = b.taken[0]
    assert r.headers['Content-Type'] == 'application/x-protobuf;proto=io.prometheus.write.v2.Request'
    assert r.headers['X-Prometheus-Remote-Write-Version'] == '2.0.0'
    assert len(b.taken) >= 3 * 4
    series = [s for r in b.taken for s in decode_v2(snappy(r.body))]
    assert sum(len(s.points) + len(s.histograms) for s in series) == c['delivered']
    check_values(series)
    check_native(series)
    s = one(series, name='http_request_duration_seconds_bucket')[0]
    assert s.metadata == (3, 'time to the response', 'seconds') and s.created == T0


def test_remote_write_2_says_what_it_has_written():
    with Backend(lambda n, r: (200, {'X-Prometheus-Remote-Write-Samples-Written': '5', 'X-Prometheus-Remote-Write-Histograms-Written': '1'}, b'')) as b:
        c = drive('metrics', '--count', 1, endpoint=b.url, version=2)
        assert c['delivered'] == 6 and c['refused'] == c['offered'] - 6


def test_shards_keep_series_together():
    with Backend() as b:
        d = Drive('metrics', '--count', 5, '--stop', 30000, '--series', 200, endpoint=b.url, version=1, interval_ms=1000, shards=4, batch=100)
        c = d.end()
    assert c['delivered'] == c['offered']
    seen = {}
    for r in b.taken:
        for s in decode_v1(snappy(r.body)):
            key = tuple(sorted(s.labels.items()))
            for t in [p[1] for p in s.points] + [fields(h)[15][0] for h in s.histograms]:
                assert t >= seen.get(key, 0), 'out of order: %s' % (key,)
                seen[key] = t
    assert len(seen) >= 200


def test_metrics_spool(tmp_path):
    """An outage during a run with three shards, and the next run has only one."""
    port = backend.free_port()
    url = 'http://127.0.0.1:%d' % port
    c = drive('metrics', '--count', 4, '--stop', 200, '--series', 100, endpoint=url, interval_ms=1000, shards=3, spool_dir=tmp_path)
    assert c['queued'] == c['offered'] > 0
    with Backend(port=port) as b:
        after = drive('metrics', '--count', 0, '--stop', 30000, endpoint=url, shards=1, spool_dir=tmp_path)
        assert after['delivered'] == c['queued']
        series = [s for r in b.taken for s in decode_v1(snappy(r.body))]
        take_beginnings(series)
        assert sum(len(s.points) + len(s.histograms) for s in series) == c['queued']


def test_live_interval():
    with Backend() as b:
        d = Drive('metrics', '--live', '--hold', 1500, endpoint=b.url, interval_ms=200)
        c = d.end()
        times = sorted({p[1] for r in b.taken for s in decode_v1(snappy(r.body)) for p in s.points})
        assert len(times) >= 3 and abs(times[-1] / 1000 - time.time()) < 60
        assert c['delivered'] == c['offered']


def test_otlp_metrics():
    with Backend() as b:
        c = drive('otlpMetrics', '--count', 1, '--series', 450, endpoint=b.url + '/v1/metrics', compression='gzip')
    metrics = [fields(m) for r in b.taken for m in backend.records(r.body)]
    assert c['delivered'] == c['offered'] == 901
    sums = [p for m in metrics if m[1] == [b'http_requests_total'] for s in m[7] for p in fields(s)[1]]
    assert len(sums) == 450 and all(fields(m[7][0])[2] == [2] and fields(m[7][0])[3] == [1] for m in metrics if m[7])
    assert sorted(number(fields(p)[4][0]) for p in sums) == list(range(1, 451))
    assert fields(sums[0])[2] == [T0 * 10 ** 6] and fields(sums[0])[3] == [T0 * 10 ** 6]
    points = [fields(p) for m in metrics if m[1] == [b'http_request_duration_seconds'] for s in m[10] for p in fields(s)[1]]
    assert len(points) == 450
    p = points[1]
    positive = fields(p[8][0])
    assert p[4] == [4] and signed(p[6][0]) == 3 and signed(positive[1][0]) == -6 and packed(positive[2][0]) == [1, 0, 2, 1]
    assert [m[3] for m in metrics if m[10]][0] == [b's']


# --- real receivers ---

def get(url):
    with urllib.request.urlopen(url, timeout=20) as r:
        return json.loads(r.read())


def start(command, ready, tmp_path):
    log = open(tmp_path / 'server.log', 'wb')
    p = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)

    def answers():
        assert p.poll() is None, (tmp_path / 'server.log').read_text()[-3000:]
        try:
            urllib.request.urlopen(ready, timeout=5).read()
            return True
        except OSError:
            return False
    backend.wait_for(answers, 90, command[0])
    return p


def query(base, expr, at):
    answer = get('%s/api/v1/query?%s' % (base, urllib.parse.urlencode({'query': expr, 'time': at})))
    assert answer['status'] == 'success', answer
    return answer['data']['result']


def has_remote_receiver():
    program = shutil.which('prometheus')
    return program and b'web.enable-remote-write-receiver' in subprocess.run([program, '--help'], capture_output=True, check=False).stdout + subprocess.run([program, '--help'], capture_output=True, check=False).stderr


@pytest.mark.skipif(not has_remote_receiver(), reason='prometheus is not installed')
def test_prometheus(tmp_path):
    """What a capture of the last minute says, asked back from Prometheus."""
    port = backend.free_port()
    (tmp_path / 'prometheus.yml').write_text('global: {}\nstorage: {exemplars: {max_exemplars: 1000}, tsdb: {out_of_order_time_window: 1000w}}\n')
    base = 'http://127.0.0.1:%d' % port
    p = start([shutil.which('prometheus'), '--config.file=prometheus.yml', '--storage.tsdb.path=%s' % (tmp_path / 'data'), '--web.listen-address=127.0.0.1:%d' % port,
               '--web.enable-remote-write-receiver', '--enable-feature=native-histograms,exemplar-storage', '--storage.tsdb.retention.time=100y', '--log.level=warn'], base + '/-/ready', tmp_path)
    try:
        d = Drive('metrics', '--live', '--hold', 2500, '--series', 50, endpoint=base + '/api/v1/write', interval_ms=1000, external='cluster:a')
        c = d.end()
        assert c['delivered'] == c['offered'] > 0 and c['failures'] == 0, c['log']
        now = time.time()
        assert query(base, 'count(http_requests_total{cluster="a"})', now)[0]['value'][1] == '49', 'one has gone'
        value = query(base, 'http_requests_total{path="/items/9"}', now)[0]
        rounds = float(value['value'][1]) / 10
        assert rounds in (3, 4, 5, 6)
        assert float(query(base, 'http_request_duration_seconds_bucket{path="/items/9",le="0.5"}', now)[0]['value'][1]) == 3 * rounds
        assert float(query(base, 'histogram_count(http_request_duration_seconds{path="/items/9"})', now)[0]['value'][1]) == 3 * rounds + 9
        assert float(query(base, 'histogram_sum(http_request_duration_seconds{path="/items/9"})', now)[0]['value'][1]) == 0.75 * rounds
        q = float(query(base, 'histogram_quantile(0.5, http_request_duration_seconds{path="/items/9"})', now)[0]['value'][1])
        assert 0.5 < q < 1.1
        exemplars = get(base + '/api/v1/query_exemplars?' + urllib.parse.urlencode({'query': 'http_request_duration_seconds_bucket', 'start': now - 600, 'end': now}))
        assert exemplars['data'] and exemplars['data'][0]['exemplars'][0]['labels']['trace_id'] == 'ab' * 16
    finally:
        p.kill()
        p.wait()


@pytest.mark.skipif(not shutil.which('victoria-metrics'), reason='victoria-metrics is not installed')
def test_victoria_metrics(tmp_path):
    port = backend.free_port()
    base = 'http://127.0.0.1:%d' % port
    p = start([shutil.which('victoria-metrics'), '-storageDataPath=%s' % (tmp_path / 'data'), '-httpListenAddr=127.0.0.1:%d' % port, '-retentionPeriod=100y', '-search.latencyOffset=0s'], base + '/health', tmp_path)
    try:
        c = drive('metrics', '--count', 120, '--stop', 60000, '--series', 20, endpoint=base + '/api/v1/write', interval_ms=10000, shards=2)
        assert c['delivered'] == c['offered'] and c['failures'] == 0, c['log']
        at = T0 / 1000 + 119

        def arrived():
            r = query(base, 'http_requests_total{path="/items/9"}', at)
            return r and float(r[0]['value'][1]) == 10 * 13
        backend.wait_for(arrived, 60, 'the last sample')
        increase = query(base, 'http_requests_total{path="/items/9"} - http_requests_total{path="/items/9"} offset 60s', at)
        assert float(increase[0]['value'][1]) == 10 * 7, 'the time of the capture'
        q = query(base, 'histogram_quantile(0.9, http_request_duration_seconds_bucket{path="/items/9",vmrange!=""})', at)
        assert q and 0.004 < float(q[0]['value'][1]) < 0.005
    finally:
        p.kill()
        p.wait()
