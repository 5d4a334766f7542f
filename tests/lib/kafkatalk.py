#!/usr/bin/python3
"""librdkafka talks to its own mock cluster over real sockets: produces, consumes in a group, commits. Prints what it counted as one line
of JSON; its log of every request sent and answer received goes to standard error (`log` reads it).
usage: kafkatalk.py RECORDS [many]    many: a request for each record, as far as that can be had
SPDX-License-Identifier: Apache-2.0"""

import collections
import json
import re
import struct
import sys
import time

import wire

NAMES = {'ApiVersion': 'ApiVersions'}
LINE = re.compile(r'(Sent|Received) (\w+?)(?:Request|Response) \(v(\d+), (\d+) bytes(?: @ \d+)?, CorrId (\d+)')
THREAD = re.compile(r'(\|[^|]*\| \[thrd:[^\]]*\]).*?' + LINE.pattern)
PARENT = b'00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'


def log(text):
    """-> requests sent, answers received: how often each (API, version, correlation id)."""
    sent, received = collections.Counter(), collections.Counter()
    for what, name, version, _, number in LINE.findall(text):
        (sent if what == 'Sent' else received)[NAMES.get(name, name), int(version), int(number)] += 1
    return sent, received


def frames(segments):
    """The frames of one direction of a connection, without their lengths."""
    data, seen = b'', None
    for seq, payload in segments:
        if seen is None or seq == seen:
            data, seen = data + payload, seq + len(payload)
    while len(data) >= 4 and len(data) >= 4 + struct.unpack('>i', data[:4])[0]:
        n = 4 + struct.unpack('>i', data[:4])[0]
        yield data[4:n]
        data = data[n:]


def connections(packets):
    """-> client's "address:port" -> (version, correlation id) of each request, correlation ids of the answers."""
    sides = {}
    for p in packets:
        sides.setdefault((p.src, p.sport, p.dst, p.dport), []).append(p)
    for (src, sport, dst, dport), sent in sides.items():
        back = sides.get((dst, dport, src, sport), [])
        if sent[0].flags & wire.ACK:
            continue
        asked = [struct.unpack('>hi', f[2:8]) for f in frames([(p.seq, p.payload) for p in sent if p.payload])]
        answered = {struct.unpack('>i', f[:4])[0] for f in frames([(p.seq, p.payload) for p in back if p.payload])}
        yield '%s:%d' % (wire.addr_text(src), sport), asked, answered


def exchanges(text, packets):
    """What the log tells, with the connections it does not name: each has the requests of one broker's thread, in its order."""
    threads, out = {}, []
    for who, what, name, version, _, number in THREAD.findall(text):
        if what == 'Sent':
            threads.setdefault(who, []).append((NAMES.get(name, name), int(version), int(number)))
    for conn, asked, answered in connections(packets):
        who = next((w for w, sent in threads.items() if asked and [s[1:] for s in sent[:len(asked)]] == asked), None)
        for api, version, number in threads[who][:len(asked)] if who else ():
            mark = {'request': {'Request.Port': int(conn.rsplit(':', 1)[1]), 'Request.CorrelationID': number},
                    'response': {'Request.Port': int(conn.rsplit(':', 1)[1]), 'Response.CorrelationID': number}}
            out.append({'protocol': 'kafka', 'conn': conn, 'request': {'api': api, 'version': version, 'correlation_id': number}, 'mark': mark,
                        'response': {} if number in answered else None, 'outcome': 'answered' if number in answered else 'reset'})
        if who:
            threads[who] = threads[who][len(asked):]
    assert not any(threads.values()), threads
    return out


def main(records, many=False):
    from confluent_kafka import Consumer, Producer
    common = {'debug': 'protocol', 'client.id': 'talk'}
    delivered = []
    p = Producer({**common, 'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1, 'enable.idempotence': True,
                  **({'linger.ms': 0, 'batch.num.messages': 1} if many else {'linger.ms': 5})})
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
    main(int(sys.argv[1]), 'many' in sys.argv[2:])
