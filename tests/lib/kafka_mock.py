#!/usr/bin/python3
"""librdkafka's mock cluster: prints its address, then the value of every record it is given in `TOPIC`, a line each, until standard input ends.
usage: kafka_mock.py TOPIC
SPDX-License-Identifier: Apache-2.0"""

import select
import sys


def main(topic):
    from confluent_kafka import Consumer, Producer
    p = Producer({'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1})
    broker = next(iter(p.list_topics(topic, timeout=30).brokers.values()))
    print('%s:%d' % (broker.host, broker.port), flush=True)
    c = Consumer({'bootstrap.servers': '%s:%d' % (broker.host, broker.port), 'group.id': 'reader', 'auto.offset.reset': 'earliest'})
    c.subscribe([topic])
    while not select.select([sys.stdin], [], [], 0)[0]:
        for m in c.consume(100, 0.3):
            if not m.error():
                sys.stdout.write(m.value().decode('utf8', 'replace').rstrip('\n') + '\n')
        sys.stdout.flush()
    c.close()


if __name__ == '__main__':
    main(sys.argv[1])
