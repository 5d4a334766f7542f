"""What others read: text, OpenMetrics and protobuf of the same capture through parsers that are not ours."""
import json
import math
import os
import subprocess

import pytest

pytest.importorskip('prometheus_client')
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families as text_families  # noqa: E402

FILES = ['http_misc', 'http_keepalive', 'dns_udp', 'dns_tcp', 'redis_resp3']


@pytest.fixture(params=FILES)
def capture(request, captures):
    return os.path.join(captures, request.param + '.pcap')


def samples(families, own=False):
    """(name, labels) -> value, of what is the same every time."""
    out = {}
    for f in families:
        for s in f.samples:
            if s.name.startswith(('packetd_', 'process_')) and not own:
                continue
            key = (s.name, tuple(sorted(s.labels.items())))
            assert key not in out, 'twice: %s' % (key,)
            out[key] = s.value
    return out


def test_text(probe, capture):
    text = probe('capture', capture, 'text', 'c').decode()
    families = list(text_families(text))
    assert len({f.name for f in families}) == len(families)
    assert all(f.documentation and f.type != 'untyped' for f in families)
    assert samples(families)


@pytest.mark.parametrize('kinds', ['c', 'v', 'n', 'cvn'])
def test_promtool(probe, capture, kinds):
    text = probe('capture', capture, 'text', kinds)
    r = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, timeout=60)
    assert b'error while linting' not in r.stderr, r.stderr.decode()
    # names of the old program that promtool's taste does not like, and lint of the same kind
    allowed = ('counter metrics should have "_total" suffix', 'non-counter metrics should not have "_total" suffix', 'metric names should not contain')
    for line in r.stderr.decode().splitlines():
        assert any(a in line for a in allowed), line


@pytest.mark.parametrize('kinds', ['c', 'v', 'n', 'cvn'])
def test_openmetrics(probe, capture, kinds):
    text = probe('capture', capture, 'openmetrics', kinds).decode()
    assert text.endswith('# EOF\n')
    families = list(openmetrics_families(text))
    created = [s for f in families for s in f.samples if s.name.endswith('_received_packets_created')]
    assert created and all(1.5e9 < s.value < 2e9 for s in created)
    assert {f.unit for f in families if f.name.endswith('_received_bytes')} == {'bytes'}


def comparable(values, number=float):
    """Bounds as numbers, creation times left out."""
    out = {}
    for (name, labels), value in values.items():
        if not name.endswith('_created'):
            out[name, tuple((k, number(v) if k == 'le' else v) for k, v in labels)] = value
    return out


def from_protobuf(data):
    import metric_family
    out = {}
    for f in metric_family.families(data):
        if f.name.startswith(('packetd_', 'process_')):
            continue
        for m in f.metric:
            labels = [(label.name, label.value) for label in m.label]

            def add(name, value, extra=(), labels=labels):
                out[name, tuple(sorted(labels + list(extra)))] = value
            if f.type == 0:
                add(f.name, m.counter.value)
            elif f.type == 1:
                add(f.name, m.gauge.value)
            else:
                h = m.histogram
                for b in h.bucket:
                    add(f.name + '_bucket', b.cumulative_count, [('le', b.upper_bound)])
                add(f.name + '_sum', h.sample_sum)
                add(f.name + '_count', h.sample_count)
    return out


def test_all_formats_say_the_same(probe, capture):
    pytest.importorskip('google.protobuf')
    text = comparable(samples(text_families(probe('capture', capture, 'text', 'c').decode())))
    om = comparable(samples(openmetrics_families(probe('capture', capture, 'openmetrics', 'c').decode())))
    assert text == om
    assert text == from_protobuf(probe('capture', capture, 'protobuf', 'c'))


def test_the_same_every_time(probe, capture):
    def protocol(text):
        return [line for line in text.splitlines() if not line.startswith((b'process_', b'packetd_uptime'))]
    assert protocol(probe('capture', capture, 'text', 'c')) == protocol(probe('capture', capture, 'text', 'c'))


def native_buckets(h):
    """index -> count, from spans and deltas."""
    out, index, count, deltas = {}, 0, 0, iter(h.positive_delta)
    for span in h.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            assert count >= 0
            out[index] = count
            index += 1
    assert next(deltas, None) is None
    return out


def test_native_histograms(probe, captures):
    import metric_family
    data = probe('capture', os.path.join(captures, 'http_misc.pcap'), 'protobuf', 'cn')
    seen = 0
    for f in metric_family.families(data):
        for m in f.metric:
            h = m.histogram
            if f.type != 4:
                continue
            seen += 1
            buckets = native_buckets(h)
            assert h.zero_count + sum(buckets.values()) == h.sample_count
            assert h.bucket[-1].upper_bound == math.inf and h.bucket[-1].cumulative_count == h.sample_count
            base = 2 ** 2 ** -h.schema
            upper = sum(n * base ** i for i, n in buckets.items())
            lower = sum(n * base ** (i - 1) for i, n in buckets.items())
            assert lower * (1 - 1e-9) <= h.sample_sum <= upper * (1 + 1e-9) + h.zero_count * h.zero_threshold
            for b in h.bucket:  # the two ways of counting agree as far as they can be compared
                assert sum(n for i, n in buckets.items() if base ** i <= b.upper_bound) + h.zero_count <= b.cumulative_count
    assert seen > 10


def truth(captures, name):
    with open(os.path.join(captures, name + '.truth.json'), encoding='utf-8') as f:
        return json.load(f)


def test_numbers_are_right(probe, captures):
    """Against the records of the same capture."""
    packetd = os.environ.get('PACKETD', os.path.join(captures, '..', '..', 'build-asan', 'packetd'))
    for name in FILES:
        path = os.path.join(captures, name + '.pcap')
        lines = subprocess.run([packetd, 'watch', '-r', path, '-o', 'json', '--no-summary'], capture_output=True, timeout=60).stdout.splitlines()
        records = [json.loads(line) for line in lines]
        values = samples(text_families(probe('capture', path, 'text', 'c').decode()))

        def total(metric, values=values, **labels):
            return sum(v for (n, l), v in values.items() if n == metric and all(dict(l).get(k) == x for k, x in labels.items()))
        protocol = name.split('_')[0]
        answered = [r for r in records if r['Outcome'] == 'answered']
        assert answered
        assert total(protocol + '_requests_total') == len(answered)
        assert total(protocol + '_request_duration_seconds_count') == len(answered)
        assert total(protocol + '_request_body_bytes_sum') == sum(r['Request']['Size'] for r in answered)
        assert total(protocol + '_response_body_bytes_sum') == sum(r['Response']['Size'] for r in answered)
        for outcome in {r['Outcome'] for r in records}:
            assert total(protocol + '_outcomes_total', outcome=outcome) == sum(r['Outcome'] == outcome for r in records)
        assert total(protocol + '_errors_total') == sum(bool(r.get('Error')) for r in records)


def test_old_labels_in_their_order(probe, captures):
    path = os.path.join(captures, 'http_misc.pcap')
    text = probe('capture', path, 'text', 'c', 'request.path', 'response.status_code', 'server.port', 'nonsense', 'request.method').decode()
    line = next(x for x in text.splitlines() if x.startswith('http_requests_total{'))
    assert [x.split('=')[0] for x in line[line.index('{') + 1:line.index('}')].split(',')] == ['server_port', 'path', 'status_code', 'method']
    assert 'path="/item/{id}"' in text


def test_vmrange(probe, captures):
    text = probe('capture', os.path.join(captures, 'http_misc.pcap'), 'text', 'v').decode()
    assert 'le=' not in text
    buckets = [s for f in text_families(text) for s in f.samples if s.name == 'http_request_duration_seconds_bucket']
    assert buckets
    for s in buckets:
        low, high = s.labels['vmrange'].split('...')
        assert 1 < float(high) / float(low) < 1.14 and s.value > 0
