"""Brokers of Apache Kafka with the Java client, franz-go and librdkafka, in several versions of the protocol each: every request that the
broker's own metrics count, by API and version; its errors; every record; and what each client says it sent."""

import collections
import datetime
import json
import os
import re
import shutil
import subprocess
import time

import kafkatalk
import live
import peer
import pytest
import rabbit
import servers as s

RECORDS = peer.many(200)
BROKERS = peer.versions('kafka') or ['kafka-?']
GO_NAMES = {'InitProducerID': 'InitProducerId'}
ENVELOPE = ('Envelope', '0')
FORWARDED = {'CreateTopics', 'DeleteTopics'}
SETTLE = 1.0  # seconds after an answer is sent in which the broker counts it


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pdpk%d' % (os.getpid() % 100000)) as net:
        yield net


class Broker(peer.Peer):
    def __init__(self, net, version):
        self.port, controller = rabbit.free_ports(2)
        self.asked = 0
        folder = s.tempfile.mkdtemp(prefix='packetd-kafka-')
        self.folder = folder
        command = [*peer.java('java-broker-' + version, version), 'KafkaBroker', folder, self.port, controller]
        super().__init__(net, self.port, *command)

    def counted(self):
        """What it has counted so far, as (API, version), (API, error) and topic."""
        self.asked += 1
        self.child.stdin.write('\n')
        self.child.stdin.flush()

        def told():
            with open(self.out.name, encoding='utf8') as f:
                return len(f.read().splitlines()) >= self.asked
        s.wait_for(told, 'the counters', 30)
        with open(self.out.name, encoding='utf8') as f:
            told = json.loads(f.read().splitlines()[-1])

        def pairs(what):
            out = collections.Counter()
            for k, n in told[what].items():
                if not k.startswith(('FetchConsumer', 'FetchFollower')):  # counted as Fetch, too
                    out[tuple(k.replace('Verification', '').split(' '))] += n
            return +out
        return pairs('requests'), pairs('errors'), collections.Counter(told['messages'])

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)


def clients(version, where):
    """name -> command; what an old broker no longer takes from old clients is left out."""
    old = version.startswith('kafka-3')
    out = {'java-' + version: [*peer.java('java-talk-' + version, version), 'KafkaTalk', where, 'java-' + version, RECORDS, *([] if old else ['consumer'])]}
    for other in peer.versions('kafkaclient'):
        out['java-' + other] = [*peer.java('java-talk-' + other, other), 'KafkaTalk', where, 'java-' + other, RECORDS]
    go = peer.built('kafkapeer')
    for held in ('v0.10.2', 'v0.11.0', 'v1.1', 'v2.1', 'v2.8', 'v3.6', '') if old else ('v2.1', 'v3.6', ''):
        name = 'franz' + held
        out[name] = [go, where, name, RECORDS, *([held] if held else [])]
    for fallback in ('0.9.0.1', '') if old else ('',):
        name = 'librdkafka' + fallback
        out[name] = [peer.PYTHON, os.path.join(peer.HERE, 'python', 'kafkapeer.py'), where, name, RECORDS, *([fallback] if fallback else [])]
    return out


def kcat(net, where):
    kcat = peer.installed('kcat')
    text = ''.join('line %d\n' % n for n in range(RECORDS))
    peer.inside(net, kcat, '-P', '-b', where, '-t', 'kcat', '-X', 'client.id=kcat', input=text)
    assert peer.inside(net, kcat, '-C', '-q', '-e', '-o', 'beginning', '-b', where, '-t', 'kcat', '-X', 'client.id=kcat').count('\n') == RECORDS
    return {'client': 'kcat', 'produced': RECORDS, 'consumed': RECORDS}


def api(r):
    return r['Request']['Packet']['API'], str(r['Request']['Packet']['APIVersion'])


def when(r):
    text = (r['Response'] or r['Request'])['Time']
    return datetime.datetime.fromisoformat(text[:26].rstrip('Z') + '+00:00').timestamp()


def check_broker(roundtrips, counted, before, after):
    """Its counters at some time between two: exact for what was quiet then, and that is all but its own heartbeats. What a client no longer
    waited for it may have counted; of a request that one part of it forwards to another in an Envelope it counts what is inside, again."""
    done = [r for r in roundtrips if r['Outcome'] in ('answered', 'oneway')]
    least = collections.Counter(api(r) for r in done if when(r) < before - SETTLE)
    most = collections.Counter(api(r) for r in done if when(r) <= after)
    assert {k[0] for k in most - least} <= {'BrokerHeartbeat', 'Fetch'}, most - least
    for count in (least, most):
        forwarded = count.pop(ENVELOPE, 0)
    assert not least - counted, ('not counted by the broker', least - counted)
    left = collections.Counter(api(r) for r in roundtrips if r['Outcome'] in ('reset', 'open'))
    unknown = counted - most - left
    assert sum(unknown.values()) <= forwarded and {k[0] for k in unknown} <= FORWARDED, ('counted by the broker only', unknown, forwarded)
    return most


def check_errors(roundtrips, counted):
    """Each kind of error that the broker counts is named, and no other: by API and error."""
    named = {(r['Request']['Packet']['API'], re.sub('(?<=.)([A-Z])', r'_\1', r['Response']['ErrorCode']).upper()) for r in roundtrips
             if r['Outcome'] == 'answered' and r['Response'].get('ErrorCode', 'NoError') != 'NoError'}
    assert named == {k for k in counted if k[1] != 'NONE'}, (named, counted)


def check_client(t, roundtrips):
    mine = [r for r in roundtrips if r['Request']['Packet'].get('ClientID') == t['client']]
    asked = collections.Counter(api(r)[0] for r in mine)
    if t.get('requests', -1) >= 0:
        assert len(mine) == t['requests'], (t, asked)
    if 'written' in t:
        want = collections.Counter({(GO_NAMES.get(k.split()[0], k.split()[0]), int(k.split()[1])): n for k, n in t['written'].items()})
        have = collections.Counter((r['Request']['Packet']['API'], r['Request']['Size']) for r in mine)
        assert want == have, (t['client'], want - have, have - want)
    produced = sum(r['Request']['Packet'].get('Records', 0) for r in mine if api(r)[0] == 'Produce')
    assert produced == t['produced'], (t, produced)
    fetched = sum((r['Response'] or {}).get('Records', 0) for r in mine if api(r)[0] == 'Fetch')
    assert fetched >= t['consumed'], (t, fetched)
    return produced


@pytest.mark.parametrize('version', BROKERS)
def test_broker(net, version):
    peer.built(version)
    with live.Live('--workers', 1, namespace=net.name) as w, Broker(net, version) as broker:
        where = '127.0.0.1:%d' % broker.port
        told, logs = [], {}
        for name, command in clients(version, where).items():
            done = subprocess.run(['ip', 'netns', 'exec', net.name, *map(str, command)], capture_output=True, encoding='utf8', errors='replace', timeout=180, check=False)
            assert done.returncode == 0, (name, done.stdout[-1000:], done.stderr[-2000:])
            told += peer.lines(done.stdout)
            logs[name] = done.stderr
        told.append(kcat(net, where))
        time.sleep(2 * SETTLE)
        before = time.time()
        requests, errors, messages = broker.counted()
        after = time.time()
        time.sleep(SETTLE)
        run = w.stop()
    found = [r for r in run.roundtrips if r['Proto'] == 'kafka']
    assert live.dropped(run) == 0 and not any(r['Request']['Packet'].get('Malformed') or (r['Response'] or {}).get('Malformed') for r in found)
    partial = [r for r in found if r.get('Partial') and r['Outcome'] == 'answered']
    assert not partial, (len(partial), partial[:2])
    most = check_broker(found, requests, before, after)
    assert len({v for a, v in most if a == 'Fetch'}) >= 3
    check_errors(found, errors)
    for t in told:
        check_client(t, found)
    for name, log in logs.items():
        if name.startswith('librdkafka'):
            check_log(name, log, found)
    by_topic = collections.Counter()
    for r in found:
        if api(r)[0] == 'Produce':
            by_topic[r['Request']['Packet']['Topic']] += r['Request']['Packet'].get('Records', 0)
    # a commit and an abort leave a marker in both partitions
    own = {t: n - (4 if t.startswith('java') else 0) for t, n in messages.items() if not t.startswith('__')}
    assert own and by_topic == own, (by_topic, own)


def check_log(name, log, found):
    """librdkafka's log: each request with its correlation id, sent and answered."""
    sent, received = kafkatalk.log(log)
    mine = [r for r in found if r['Request']['Packet'].get('ClientID') == name]
    def key(r):
        return r['Request']['Packet']['API'], r['Request']['Packet']['APIVersion'], r['Request']['CorrelationID']
    everything, answered = collections.Counter(map(key, mine)), collections.Counter(key(r) for r in mine if r['Outcome'] == 'answered')
    assert sent and everything == sent, (name, everything - sent, sent - everything)
    assert not received - answered, (name, received - answered)
