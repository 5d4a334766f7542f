"""RabbitMQ and pika, live: every exchange the client knows of, once, and as many messages as the broker counts."""

import collections
import time

import live
import observe
import pytest
import rabbit
import truth

pytestmark = pytest.mark.skipif(rabbit.absent() is not None, reason=rabbit.absent() or '')


@pytest.fixture(scope='module')
def broker():
    with rabbit.Rabbit(management=True) as r:
        yield r


def counts(roundtrips, method):
    return sum(1 for r in roundtrips if r['Proto'] == 'amqp' and r['Request']['ClassMethod'] == dict(zip(('Class', 'Method'), method.split('.'))))


def test_exact(broker):
    log = rabbit.Log()
    with live.Live('--proto', 'amqp', ifaces='lo') as w:
        rabbit.talk(log, broker)
        w.until(lambda: sum('Connection","Method":"Close' in line for line in w.lines()) >= 1, 30)
        run = w.stop()
    truth.assert_exact(run.roundtrips, log.exchanges, run.stderr[-2000:])
    marked = [r for r in run.roundtrips if r.get('Trace')]
    assert marked and {r['Trace']['TraceID'] for r in marked} == {rabbit.TRACE[3:35]}
    assert 'guest\\u0000guest' not in w.text('out') and '"guest"' not in w.text('out')


def test_broker_counts(broker):
    """The broker's own counters before and after, which it brings up to date by and by."""
    before = broker.stats()
    log = rabbit.Log()
    with live.Live('--proto', 'amqp', ifaces='lo') as w:
        rabbit.talk(log, broker, 100)
        w.until(lambda: sum('Connection","Method":"Close' in line for line in w.lines()) >= 1, 30)
        run = w.stop()
    seen = {'publish': counts(run.roundtrips, 'Basic.Publish'), 'return_unroutable': counts(run.roundtrips, 'Basic.Return'),
            'deliver': counts(run.roundtrips, 'Basic.Deliver')}
    seen['confirm'] = sum(1 for r in run.roundtrips if r['Request']['ClassMethod']['Method'] == 'Publish' and r['Outcome'] == 'answered')
    end = time.monotonic() + 30
    while time.monotonic() < end:
        after = broker.stats()
        counted = {k: after.get(k, 0) - before.get(k, 0) for k in seen}
        if counted == seen:
            break
        time.sleep(0.5)
    assert counted == seen


def test_refused_connections(broker):
    import pika
    with live.Live('--proto', 'amqp', ifaces='lo') as w:
        for more in ({'credentials': pika.PlainCredentials('guest', 'wrongsecret')}, {'virtual_host': 'nowhere'}):
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                pika.BlockingConnection(pika.ConnectionParameters(broker.address, broker.port, **more))
        w.until(lambda: sum('NOT_ALLOWED' in line for line in w.lines()) >= 2, 30)
        run = w.stop()
    errors = collections.Counter(r.get('Error') for r in run.roundtrips if r['Proto'] == 'amqp')
    assert errors['ACCESS_REFUSED'] == 1 and errors['NOT_ALLOWED'] >= 2
    assert 'wrongsecret' not in w.text('out')
    assert observe.PACKETD
