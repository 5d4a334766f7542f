"""RabbitMQ and pika, live: every exchange the client knows of, once, and as many messages as the broker counts."""

import collections
import json
import time

import live
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


def closed(lines):
    return counts(lines, 'Connection.Close') >= 1


def broker_agrees(broker, roundtrips):
    """The broker's own counters, which it brings up to date by and by."""
    seen = {'publish': counts(roundtrips, 'Basic.Publish'), 'return_unroutable': counts(roundtrips, 'Basic.Return'), 'deliver': counts(roundtrips, 'Basic.Deliver'),
            'confirm': sum(1 for r in roundtrips if r['Request']['ClassMethod']['Method'] == 'Publish' and r['Outcome'] == 'answered')}
    end = time.monotonic() + 30
    while time.monotonic() < end:
        counted = broker.stats()
        if all(counted.get(k) == n for k, n in seen.items()):
            return
        time.sleep(0.5)
    assert {k: counted.get(k) for k in seen} == seen


def test_exact(broker):
    """The first to send messages: the broker has counted nothing before."""
    log = rabbit.Log()
    with live.Live('--proto', 'amqp', ifaces='lo') as w:
        rabbit.talk(log, broker, 60)
        w.until(closed, 30)
        run = w.stop()
    truth.assert_exact(run.roundtrips, log.exchanges, run.stderr[-2000:])
    marked = [r for r in run.roundtrips if r.get('Trace')]
    assert marked and {r['Trace']['TraceID'] for r in marked} == {rabbit.TRACE[3:35]}
    assert 'guest' not in json.dumps(run.roundtrips)
    broker_agrees(broker, run.roundtrips)


def test_refused_connections(broker):
    import pika
    with live.Live('--proto', 'amqp', ifaces='lo') as w:
        for more in ({'credentials': pika.PlainCredentials('guest', 'wrongsecret')}, {'virtual_host': 'nowhere'}):
            with pytest.raises(pika.exceptions.AMQPConnectionError):
                pika.BlockingConnection(pika.ConnectionParameters(broker.address, broker.port, **more))
        w.until(lambda lines: sum(r.get('Error') == 'NOT_ALLOWED' for r in lines) >= 2, 30)
        run = w.stop()
    errors = collections.Counter(r.get('Error') for r in run.roundtrips if r['Proto'] == 'amqp')
    assert errors['ACCESS_REFUSED'] == 1 and errors['NOT_ALLOWED'] >= 2
    assert 'wrongsecret' not in json.dumps(run.roundtrips)
