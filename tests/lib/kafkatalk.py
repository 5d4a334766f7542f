#!/usr/bin/python3
"""librdkafka talks to its own mock cluster over real sockets: produces, consumes in a group, commits. Prints what it counted as one line
of JSON; its log of every request sent and answer received goes to standard error (`log` reads it).
usage: kafkatalk.py RECORDS
SPDX-License-Identifier: Apache-2.0"""

import collections
import json
import re
import sys
import time

NAMES = {'ApiVersion': 'ApiVersions'}
LINE = re.compile(r'(Sent|Received) (\w+?)(?:Request|Response) \(v(\d+), (\d+) bytes(?: @ \d+)?, CorrId (\d+)')
PARENT = b'00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'


def log(text):
    """-> requests sent, answers received: how often each (API, version, correlation id)."""
    sent, received = collections.Counter(), collections.Counter()
    for what, name, version, _, number in LINE.findall(text):
        (sent if what == 'Sent' else received)[NAMES.get(name, name), int(version), int(number)] += 1
    return sent, received


def main(records):
    from confluent_kafka import Consumer, Producer
    common = {'debug': 'protocol', 'client.id': 'talk'}
    delivered = []
    p = Producer({**common, 'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1, 'enable.idempotence': True, 'linger.ms': 5})
    broker = next(iter(p.list_topics(timeout=30).brokers.values()))
    for n in range(records):
        p.produce('talk', b'value %d' % n, headers=[('traceparent', PARENT)], callback=lambda error, m: delivered.append(error is None))
    p.flush(30)
    c = Consumer({**common, 'bootstrap.servers': '%s:%d' % (broker.host, broker.port), 'group.id': 'talk-group', 'auto.offset.reset': 'earliest'})
    c.subscribe(['talk'])
    got, end = 0, time.monotonic() + 60
    while got < records and time.monotonic() < end:
        got += sum(not m.error() for m in c.consume(100, 0.5))
    c.commit(asynchronous=False)
    c.close()
    print(json.dumps({'produced': sum(delivered), 'consumed': got, 'port': broker.port}))


if __name__ == '__main__':
    main(int(sys.argv[1]))
