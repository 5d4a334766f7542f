#!/usr/bin/python3
"""librdkafka produces and consumes; prints its counts as a line of JSON, its log of requests and answers goes to standard error.

usage: kafkapeer.py HOST:PORT NAME RECORDS [BROKER_VERSION]            SPDX-License-Identifier: Apache-2.0"""

import json
import sys
import time

from confluent_kafka import Consumer, Producer

WHERE, NAME, RECORDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
COMMON = {'bootstrap.servers': WHERE, 'debug': 'protocol', 'client.id': NAME}
OLD = len(sys.argv) > 4
if OLD:
    COMMON.update({'api.version.request': False, 'broker.version.fallback': sys.argv[4]})
delivered = []
p = Producer({**COMMON, 'linger.ms': 5, 'compression.type': 'none' if OLD else 'gzip'})  # how many an old compressed message holds cannot be seen
for n in range(RECORDS):
    p.produce(NAME, b'v' * (n % 300), callback=lambda error, m: delivered.append(error is None))
p.flush(60)
c = Consumer({**COMMON, 'group.id': NAME, 'auto.offset.reset': 'earliest', 'enable.auto.commit': False})
c.subscribe([NAME])
got, end = 0, time.monotonic() + 60
while got < RECORDS and time.monotonic() < end:
    got += sum(not m.error() for m in c.consume(100, 0.5))
c.commit(asynchronous=False)
c.close()
print(json.dumps({'client': NAME, 'produced': sum(delivered), 'consumed': got}))
