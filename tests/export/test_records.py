"""RoundTrips as JSON that leaves: files, Elasticsearch's bulk API, Kafka; what is redacted stays so everywhere."""

import json
import os
import re
import struct

import pytest

import backend
import observe
from backend import Backend, Drive, drive
from bulkstore import Store

CAPTURES = os.path.join(observe.ROOT, 'tests', 'captures')
CAPTURE = os.path.join(CAPTURES, 'http_misc.pcap')


def test_file(tmp_path):
    """The same lines as watch prints."""
    c = drive('roundtrips', '--pcap', CAPTURE, filename=tmp_path / 'out.json')
    expected = observe.watch(CAPTURE).roundtrips
    lines = [json.loads(line) for line in (tmp_path / 'out.json').read_text().splitlines()]
    assert lines == expected and c['delivered'] == len(expected)


def test_file_cannot_be_opened(tmp_path):
    d = Drive('roundtrips', '--count', 1, filename='/proc/nothing/there')
    out, err = d.process.communicate(timeout=60)
    assert d.process.returncode == 2 and b'/proc/nothing/there' in err


def test_projection(tmp_path):
    redact = 'http.request.path:drop,http.request.method:mask,http.request.host:hash,http.request.header:drop,http.request.query:asked,http.response.status:mask'
    drive('roundtrips', '--count', 3, '--redact', redact, filename=tmp_path / 'out.json')
    drive('roundtrips', '--count', 3, filename=tmp_path / 'plain.json')
    for line, plain in zip((tmp_path / 'out.json').read_text().splitlines(), (tmp_path / 'plain.json').read_text().splitlines()):
        r, p = json.loads(line), json.loads(plain)
        q = r['Request']
        assert 'Path' not in q and 'Header' not in q and 'Query' not in q
        assert q['Method'] == '***' and q['asked'] == 'page=2' and r['Response']['StatusCode'] == '***'
        assert re.fullmatch('[0-9a-f]{16}', q['RemoteHost']) and r.pop('Attributes') == {'team': 'shop'}
        for gone in ('Path', 'Header', 'Method', 'Query', 'RemoteHost'):
            p['Request'].pop(gone, None)
            q.pop(gone, None)
        q.pop('asked')
        p['Response'].pop('StatusCode'), r['Response'].pop('StatusCode')
        assert r == p


def test_projection_in_spans():
    with Backend() as b:
        drive('traces', '--count', 1, '--redact', 'http.request.path:drop,http.request.user_agent:mask,http.request.host:authority', endpoint=b.url)
        span, = backend.records(b.requests[0].body)
    attributes = {}
    for kv in backend.fields(span)[9]:
        f = backend.fields(kv)
        attributes[f[1][0].decode()] = backend.fields(f[2][0])
    assert 'url.path' not in attributes and attributes['user_agent.original'][1] == [b'***']
    assert attributes['authority'][1] == [b'shop.example'] and 'client.remote.host' not in attributes
    assert attributes['team'][1] == [b'shop']
    assert b'hush' not in b.requests[0].body, 'credentials'


def test_elasticsearch():
    store = Store()
    with Backend(store) as b:
        c = drive('elasticsearch', '--count', 2500, endpoint=b.url + '/', index='logs-shop', batch=400, data_stream=1, template=1, compression='gzip', pipeline='geo')
        assert c['delivered'] == 2500 and len(store.documents) == 2500
        bulk = [r for r in b.requests if r.method == 'POST']
        assert bulk[0].path.startswith('/_bulk?') and b'"_index":"logs-shop"' in bulk[0].body and 'pipeline=geo' in bulk[0].path and bulk[0].headers['Content-Type'] == 'application/x-ndjson'
    template = store.templates[0]
    assert template['index_patterns'] == ['logs-shop'] and template['data_stream'] == {}
    assert sorted(d['Response']['Size'] for d in store.documents.values()) == list(range(2500))
    d = next(d for d in store.documents.values() if d['Response']['Size'] == 7)
    assert d['@timestamp'] == '2025-03-01T09:00:00.007Z' and d['DurationSeconds'] == 0.0015 and d['Duration'] == '1.5ms' and d['Proto'] == 'http'


def test_elasticsearch_same_capture_twice():
    """Reading a capture again adds nothing."""
    store = Store()
    with Backend(store) as b:
        first = drive('elasticsearch', '--pcap', CAPTURE, endpoint=b.url)
        n = len(store.documents)
        second = drive('elasticsearch', '--pcap', CAPTURE, endpoint=b.url)
        assert n == len(store.documents) == first['delivered'] == second['delivered'] > 3


def test_elasticsearch_partial_failures():
    """Each tenth document is refused for good, each seventh is too much the first two times."""
    def refuse(id_, times):
        n = int(id_, 16)
        return 400 if n % 10 == 0 else 429 if n % 7 == 0 and times < 3 else 201

    store = Store(refuse)
    with Backend(store) as b:
        c = drive('elasticsearch', '--count', 1000, '--stop', 60000, endpoint=b.url, batch=100)
    bad = sum(int(i, 16) % 10 == 0 for i in store.asked)
    assert 50 < bad < 200 and c['refused'] == bad and c['delivered'] == len(store.documents) == 1000 - bad
    assert 'because' in c['log']
    assert all(t == 1 for i, t in store.asked.items() if int(i, 16) % 7), 'only what was not taken is sent again'


def test_elasticsearch_without_templates():
    store = Store(template=404)
    with Backend(store) as b:
        c = drive('elasticsearch', '--count', 100, endpoint=b.url, template=1)
        assert c['delivered'] == 100 and len(store.templates) == 1 and 'no index template' in c['log']
    store = Store(template=400)
    with Backend(store) as b:
        c = drive('elasticsearch', '--count', 100, endpoint=b.url, template=1)
        assert c['delivered'] == 100 and len(store.templates) == 3, 'others are tried'
        kinds = [t['template']['mappings']['properties']['Response']['properties']['Header']['type'] for t in store.templates]
        assert kinds == ['flattened', 'flat_object', 'object'], "Elasticsearch's, OpenSearch's, anybody's"


def test_elasticsearch_trouble(tmp_path):
    """Answers that are none, outages and a restart with a spool: every document is there once."""
    store = Store()

    def behave(number, request):
        if number % 4 == 0:
            return ('garbage', 'close', (200, {}, b'not json'), 503)[number // 4 % 4]
        return store(number, request)

    with Backend(behave) as b:
        c = drive('elasticsearch', '--count', 1000, '--stop', 60000, endpoint=b.url, batch=50, spool_dir=tmp_path)
        assert c['delivered'] == 1000 and len(store.documents) == 1000


def test_statements_are_made_safe():
    with Backend(Store()) as b:
        c = drive('elasticsearch', '--pcap', os.path.join(CAPTURES, 'redis_plain.pcap'), endpoint=b.url)
        text = b''.join(r.body for r in b.requests)
        assert c['delivered'] > 0 and b'"Statement":"SET ? ?"' in text
    with Backend(Store()) as b:
        drive('elasticsearch', '--pcap', os.path.join(CAPTURES, 'redis_plain.pcap'), '--redact', 'keep_statements:', endpoint=b.url)
        text = b''.join(r.body for r in b.requests)
        assert b'"Statement":"SET ' in text and b'"Statement":"SET ? ?"' not in text


PROTO = os.path.join(observe.ROOT, 'src', 'proto')


@pytest.mark.parametrize('capture, field, literal, value', [
    (os.path.join(CAPTURES, 'pg_extended.pcap'), b'"Statement":"insert into t values ($1, $2)"', b'generate_series(1, 7)', b'"many"'),
    (os.path.join(PROTO, 'mysql', 'captures', 'mysql_java.pcap'), b'"Statement":"select id, a from t where a like ? and id', b"'j%'", b'"j%"')],
    ids=['postgresql', 'mysql'])
def test_literals_and_values_stay_here(capture, field, literal, value):
    """Elasticsearch and spans get neither, unless they are to be kept: then both."""
    for exporter in ('elasticsearch', 'traces'):
        value = value.strip(b'"') if exporter == 'traces' else value
        for keep in ((), ('--redact', 'keep_statements:')):
            with Backend(Store() if exporter == 'elasticsearch' else None) as b:
                c = drive(exporter, '--pcap', capture, *keep, endpoint=b.url)
            text = b''.join(r.body for r in b.requests)
            assert c['delivered'] > 0
            if exporter == 'elasticsearch':
                assert field in text
                assert (b'"Parameters":[' in text) == bool(keep)
            else:
                assert (b'db.query.parameter.0' in text) == bool(keep)
            assert (value in text) == bool(keep)
            if b'generate' in literal:
                assert (literal in text) == bool(keep)


def test_same_capture_same_spans():
    """Byte for byte."""
    bodies = []
    for _ in range(2):
        with Backend() as b:
            drive('traces', '--pcap', CAPTURE, endpoint=b.url)
            bodies.append([r.body for r in b.requests])
    assert bodies[0] == bodies[1] and bodies[0]


def test_both_kinds():
    with Backend() as b:
        c = drive('traces', '--count', 50, endpoint=b.url, both_kinds=1)
        spans = [backend.fields(s) for r in b.requests for s in backend.records(r.body)]
    assert c['delivered'] == len(spans) == 100
    clients = {s[2][0]: s for s in spans if s[6] == [3]}
    servers = [s for s in spans if s[6] == [2]]
    assert len(clients) == len(servers) == 50
    for s in servers:
        assert clients[s[4][0]][1] == s[1]
