"""RabbitMQ with clients in Java and Go: every exchange the client knows of, once, and as many messages as the broker counts."""

import collections
import time

import live
import peer
import pytest
import rabbit
import truth

MESSAGES = peer.many(100)
pytestmark = pytest.mark.skipif(rabbit.absent() is not None, reason=rabbit.absent() or '')
COMMANDS = {'java': lambda: [*peer.java('java-amqp', *peer.versions('amqp')[-1:]), 'AmqpPeer'], 'go': lambda: [peer.built('amqppeer')]}


@pytest.fixture(scope='module')
def broker():
    with rabbit.Rabbit(management=True) as r:
        yield r


def exchange(t, broker):
    """As tests/lib/truth.py has it."""
    request = {k: v for k, v in t.items() if k in ('exchange', 'key', 'queue', 'size', 'tag', 'error')}
    e = {'protocol': 'amqp', 'conn': '127.0.0.1:%d' % broker.port if t['who'] == 'server' else None, 'request': {'method': t['method'], **request},
         'response': {'answer': t['answer']} if t['answer'] else None, 'outcome': t['outcome']}
    if 'id' in t:
        e['mark'] = {'request': {'Request.MessageID': t['id']}}
    return e


def counts(roundtrips, method, answered=None):
    return sum(1 for r in roundtrips if '%(Class)s.%(Method)s' % r['Request']['ClassMethod'] == method and answered in (None, r['Outcome']))


def counted(broker, names):
    stats = broker.stats()
    return {n: stats.get(n, 0) for n in names}


@pytest.mark.parametrize('client', sorted(COMMANDS))
def test_client(broker, client):
    command = [*COMMANDS[client](), broker.port, MESSAGES]
    names = ('publish', 'confirm', 'deliver', 'deliver_no_ack', 'get_no_ack', 'get_empty')
    time.sleep(2.5)  # its counters are brought up to date every second
    before = counted(broker, names)
    with live.Live('--proto', 'amqp', ifaces='lo') as w:
        done = peer.s.subprocess.run(list(map(str, command)), capture_output=True, encoding='utf8', timeout=120, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        w.until(lambda found: counts(found, 'Connection.Close') >= 1, 30)
        run = w.stop()
    found = [r for r in run.roundtrips if r['Proto'] == 'amqp']
    told = peer.lines(done.stdout)
    assert live.dropped(run) == 0, run.ledger
    assert len(told) > 4 * MESSAGES
    truth.assert_exact(found, [exchange(t, broker) for t in told], run.stderr[-2000:])
    assert not any(r.get('Partial') for r in found)
    by_answer = collections.Counter((r['Request']['ClassMethod']['Method'], (r['Response'] or {}).get('ClassMethod', {}).get('Method')) for r in found)
    rolled_back = counts(found, 'Tx.Rollback')  # one message each, which the broker does not count
    seen = {'publish': counts(found, 'Basic.Publish') - rolled_back, 'confirm': counts(found, 'Basic.Publish', 'answered'), 'deliver': counts(found, 'Basic.Deliver', 'answered'),
            'deliver_no_ack': counts(found, 'Basic.Deliver', 'oneway'), 'get_no_ack': by_answer['Get', 'Get-Ok'], 'get_empty': by_answer['Get', 'Get-Empty']}
    end = time.monotonic() + 30
    while (grown := {k: n - before[k] for k, n in counted(broker, names).items()}) != seen and time.monotonic() < end:
        time.sleep(0.5)
    assert grown == seen
