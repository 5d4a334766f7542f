"""What is offered arrives, or a counter names why not, whatever the back end does."""

import collections
import datetime
import email.utils
import os
import time

import pytest

import backend
from backend import Backend, Drive, drive, fields, records


def attribute(span, name):
    for kv in fields(span)[9]:
        f = fields(kv)
        if f[1][0] == name.encode():
            return fields(f[2][0])
    return None


def sizes(requests):
    """The response sizes in the spans that arrived: one number an exchange."""
    return [attribute(span, 'http.response.size')[3][0] for r in requests for span in records(r.body)]


def arrived(b, counters, count, exactly=True):
    got = sizes(b.taken)
    assert counters['offered'] == count, counters
    assert len(got) == counters['delivered'], (len(got), counters)
    if exactly:
        assert len(set(got)) == len(got), 'some came twice'
    if exactly and counters['delivered'] == count:
        assert sorted(got) == list(range(count))
    return got


def test_healthy():
    with Backend() as b:
        c = drive('traces', '--count', 5000, endpoint=b.url + '/v1/traces', batch=300, compression='gzip')
        arrived(b, c, 5000)
        assert c['delivered'] == 5000 and c['failures'] == 0
        r = b.requests[0]
        assert r.path == '/v1/traces' and r.headers['Content-Type'] == 'application/x-protobuf'
        assert r.headers['User-Agent'].startswith('packetd/')
        assert max(len(records(x.body)) for x in b.requests) <= 300


def test_several_workers_live():
    with Backend() as b:
        c = drive('traces', '--count', 4000, '--workers', 4, '--live', endpoint=b.url, batch=100)
        got = arrived(b, c, 4000, exactly=False)
        assert c['delivered'] == 4000
        assert collections.Counter(got) == collections.Counter(list(range(1000)) * 4)


@pytest.mark.parametrize('trouble', [500, 502, 503, 429, 408, 'close', 'half', 'garbage', (503, {'Retry-After': '1'}, b'busy')])
def test_trouble_then_well(trouble):
    with Backend(lambda n, r: trouble if n % 3 == 0 and n < 9 else 200) as b:
        c = drive('traces', '--count', 1000, endpoint=b.url, batch=200)
        arrived(b, c, 1000)
        assert c['delivered'] == 1000 and c['retries'] >= 2
        assert 'trying again' in c['log']


@pytest.mark.parametrize('form', ['seconds', 'date'])
def test_retry_after_is_kept(form):
    times = []

    def behave(number, request):
        times.append(time.time())
        if number:
            return 200
        value = '2' if form == 'seconds' else email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3), usegmt=True)
        return 429, {'Retry-After': value}, b''

    with Backend(behave) as b:
        c = drive('traces', '--count', 10, '--stop', 30000, endpoint=b.url)
        assert c['delivered'] == 10 and len(times) == 2
        assert times[1] - times[0] > 1.5


@pytest.mark.parametrize('status', [400, 401, 403, 404, 413, 422, 501])
def test_not_wanted(status):
    with Backend(lambda n, r: (status, {}, b'no thanks') if n == 1 else 200) as b:
        c = drive('traces', '--count', 1000, endpoint=b.url, batch=200)
        arrived(b, c, 1000)
        assert c['delivered'] == 800
        assert c['too_large' if status == 413 else 'refused'] == 200
        assert str(status) in c['log'] and 'no thanks' in c['log']
        assert c['log'].count('\n') == 1, 'one sentence'


def test_partial_success():
    answer = b'\x0a\x0c\x08\x05\x12\x08too many'
    with Backend(lambda n, r: (200, {}, answer)) as b:
        c = drive('traces', '--count', 100, endpoint=b.url)
        assert (c['delivered'], c['refused']) == (95, 5) and 'too many' in c['log']


def test_slow_backend_costs_only_its_queue():
    """Live, a back end that never answers: the worker is not held up, what does not fit is counted."""
    with Backend(lambda n, r: 'hang') as b:
        began = time.monotonic()
        c = drive('traces', '--count', 20000, '--live', '--stop', 100, endpoint=b.url, batch=100, queue_bytes=500000, timeout_ms=60000)
        assert c['delivered'] == 0 and c['queue_full'] > 0 and c['abandoned'] > 0
        assert c['queued'] == 0
        assert time.monotonic() - began < 60


def test_file_waits_for_slow_backend():
    def slow(number, request):
        time.sleep(0.02)
        return 200

    with Backend(slow) as b:
        c = drive('traces', '--count', 10000, '--stop', -1, endpoint=b.url, batch=100, queue_bytes=200000)
        arrived(b, c, 10000)
        assert c['delivered'] == 10000


def test_nobody_listens():
    c = drive('traces', '--count', 500, '--stop', 1000, endpoint='http://127.0.0.1:%d' % backend.free_port())
    assert c['abandoned'] == 500 and 'trying again' in c['log'] and '500 records given up at the end' in c['log']


def test_comes_back_later():
    port = backend.free_port()
    d = Drive('traces', '--count', 3000, '--stop', 60000, endpoint='http://127.0.0.1:%d' % port, batch=100)
    time.sleep(1)
    with Backend(port=port) as b:
        c = d.end()
        arrived(b, c, 3000)
        assert c['delivered'] == 3000 and 'delivering again' in c['log']


def test_too_old():
    c = drive('traces', '--count', 500, '--stop', 30000, endpoint='http://127.0.0.1:%d' % backend.free_port(), retry_max_ms=700)
    assert c['too_old'] == 500


def test_spool_survives_the_end(tmp_path):
    """Nobody listens during the first run; the second delivers its own and what the first has left."""
    port = backend.free_port()
    settings = dict(endpoint='http://127.0.0.1:%d' % port, batch=100, spool_dir=tmp_path)
    c = drive('traces', '--count', 2000, '--stop', 200, **settings)
    assert c['queued'] == 2000 and c['delivered'] == 0 and c['spooled_bytes'] > 0
    assert os.listdir(tmp_path) == ['traces']
    with Backend(port=port) as b:
        c = drive('traces', '--count', 0, '--stop', 60000, **settings)
        got = arrived(b, c, 2000)
        assert sorted(got) == list(range(2000)) and c['queued'] == 0 and c['spooled_bytes'] == 0
        assert 'earlier run' in c['log']
    c = drive('traces', '--count', 0, '--stop', 100, **settings)
    assert c['offered'] == 0


def test_spool_survives_kill(tmp_path):
    """Killed in the middle of an outage, again and again: everything that was handed over arrives, in order."""
    port = backend.free_port()
    settings = dict(endpoint='http://127.0.0.1:%d' % port, batch=50, spool_dir=tmp_path)
    for _ in range(3):
        d = Drive('traces', '--count', 1000, '--hold', 60000, **settings)
        assert d.process.stdout.readline()  # everything has been handed over
        backend.wait_for(lambda: sum(f.stat().st_size for f in (tmp_path / 'traces').glob('*.spool')) > 0, what='spool')
        time.sleep(0.5)
        d.kill()
    with Backend(port=port) as b:
        c = drive('traces', '--count', 0, '--stop', 60000, **settings)
        got = sizes(b.taken)
        assert c['offered'] == c['delivered'] == 3000, c
        assert collections.Counter(got) == collections.Counter(list(range(1000)) * 3)


def test_spool_killed_while_delivering(tmp_path):
    """What was delivered before the kill may come again, nothing may be missing."""
    def slow(number, request):
        time.sleep(0.05)
        return 200

    with Backend(slow) as b:
        settings = dict(endpoint=b.url, batch=20, spool_dir=tmp_path)
        d = Drive('traces', '--count', 2000, '--hold', 60000, **settings)
        backend.wait_for(lambda: len(b.taken) >= 10, what='some requests')
        d.process.stdout.readline()
        time.sleep(0.3)
        d.kill()
        before = len(sizes(b.taken))
        assert before < 2000
        c = drive('traces', '--count', 0, '--stop', 60000, **settings)
        assert set(sizes(b.taken)) == set(range(2000))
        assert c['queued'] == 0 and len(sizes(b.taken)) <= 2000 + 20 * 8


def test_spool_full_drops_the_oldest(tmp_path):
    port = backend.free_port()
    settings = dict(endpoint='http://127.0.0.1:%d' % port, batch=50, spool_dir=tmp_path, spool_bytes=400000)
    c = drive('traces', '--count', 3000, '--stop', 200, **settings)
    assert c['spool_full'] > 0 and c['queued'] > 0
    held = sum(f.stat().st_size for f in (tmp_path / 'traces').glob('*.spool'))
    assert held <= 400000
    with Backend(port=port) as b:
        after = drive('traces', '--count', 0, '--stop', 60000, **settings)
        assert after['delivered'] == c['queued']
        got = sorted(sizes(b.taken))
        assert set(range(2800, 3000)) <= set(got), 'the newest stay'


def test_spool_damaged(tmp_path):
    """Bytes changed on disk: that batch is given up and counted, the others arrive."""
    port = backend.free_port()
    settings = dict(endpoint='http://127.0.0.1:%d' % port, batch=100, spool_dir=tmp_path)
    c = drive('traces', '--count', 1000, '--stop', 200, **settings)
    assert c['queued'] == 1000
    segment = sorted((tmp_path / 'traces').glob('*.spool'))[0]
    data = bytearray(segment.read_bytes())
    data[500] ^= 255  # within the first batch
    segment.write_bytes(data[:-100])  # and the last one is cut short
    with Backend(port=port) as b:
        after = drive('traces', '--count', 0, '--stop', 60000, **settings)
        assert after['delivered'] == 800 and after['spool_full'] == 100, after
        assert len(sizes(b.taken)) == 800


def test_spool_belongs_to_one(tmp_path):
    settings = dict(endpoint='http://127.0.0.1:%d' % backend.free_port(), spool_dir=tmp_path)
    d = Drive('traces', '--count', 1, '--hold', 60000, **settings)
    d.process.stdout.readline()
    second = Drive('traces', '--count', 1, **settings)
    out, err = second.process.communicate(timeout=60)
    d.kill()
    assert second.process.returncode == 2 and b'in use by another process' in err


def test_settings_that_cannot_work():
    for settings, expected in (({'endpoint': 'ftp://x/'}, b'http://HOST'), ({'endpoint': ''}, b'http://HOST'), ({'endpoint': 'http://127.0.0.1:1', 'ca_file': '/nonexistent'}, b'CA file'),
                               ({'endpoint': 'http://127.0.0.1:1', 'compression': 'lzw'}, b'compression')):
        d = Drive('traces', '--count', 1, **settings)
        out, err = d.process.communicate(timeout=60)
        assert d.process.returncode == 2 and expected in err, err


def test_headers_and_authentication():
    with Backend() as b:
        drive('traces', '--count', 1, endpoint=b.url, header='X-Tenant:shop', username='u', password='p')
        assert b.requests[0].headers['X-Tenant'] == 'shop' and b.requests[0].headers['Authorization'] == 'Basic dTpw'
        drive('traces', '--count', 1, endpoint=b.url, bearer='tok')
        assert b.requests[1].headers['Authorization'] == 'Bearer tok'
