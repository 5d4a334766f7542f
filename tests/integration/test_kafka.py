"""Kafka, live: librdkafka's log of what it sent and received, and its counts of records, are what is reported."""

import collections
import json
import os
import subprocess

import kafkatalk
import live
import pytest

RECORDS = 300
PYTHON = '/usr/bin/python3'


def talk(namespace):
    """One run of the client -> its counts, and its log."""
    script = kafkatalk.__file__
    done = subprocess.run(['ip', 'netns', 'exec', namespace, PYTHON, script, str(RECORDS)], capture_output=True, text=True, timeout=180, check=True,
                          env=dict(os.environ, PYTHONUNBUFFERED='1'))
    return json.loads(done.stdout), done.stderr


@pytest.fixture(scope='module', autouse=True)
def client():
    if subprocess.run([PYTHON, '-c', 'import confluent_kafka'], capture_output=True, check=False).returncode:
        pytest.skip('not installed: python3-confluent-kafka')


@pytest.mark.parametrize('workers', [1, 3])
def test_librdkafka(loopback, workers):
    with live.Live('--workers', workers, namespace=loopback.namespace, ifaces='lo') as w:
        counts, log = talk(loopback.namespace)
        sent, received = kafkatalk.log(log)
        w.reported(sum(received.values()))
        run = w.stop()
    assert counts['produced'] == counts['consumed'] == RECORDS
    found = [r for r in run.roundtrips if r['Proto'] == 'kafka' and r['Request']['Port'] != counts['port']]

    def key(r):
        return r['Request']['Packet']['API'], r['Request']['Packet']['APIVersion'], r['Request']['CorrelationID']

    everything = collections.Counter(map(key, found))
    answered = collections.Counter(key(r) for r in found if r['Outcome'] == 'answered')
    assert everything == sent, (everything - sent, sent - everything)
    assert not received - answered, received - answered
    assert not any(r['Request']['Packet'].get('Malformed') or (r['Response'] or {}).get('Malformed') for r in found)
    assert sum(r['Request']['Packet'].get('Records', 0) for r in found) == RECORDS
    assert sum((r['Response'] or {}).get('Records', 0) for r in found if r['Request']['Packet']['API'] == 'Fetch') == RECORDS
    produces = [r for r in found if r['Request']['Packet']['API'] == 'Produce']
    assert {r['Request']['Packet']['Topic'] for r in produces} == {'talk'}
    assert {r['Trace']['TraceID'] for r in produces} == {'4bf92f3577b34da6a3ce929d0e0e4736'}
    assert {r['Request']['Packet']['GroupID'] for r in found if r['Request']['Packet']['API'] in ('JoinGroup', 'OffsetCommit')} == {'talk-group'}
