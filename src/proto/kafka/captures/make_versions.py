#!/usr/bin/env python3
"""Writes versions.pcap.gz: a request and an answer of every version of every API, with random values, from Kafka's own message definitions.

usage: make_versions.py FOLDER...    folders with the JSON files of common/message in a kafka-clients jar, the oldest release first;
                                     of a version that several releases know the newest counts
Afterwards write versions.jsonl anew: packetd watch --pcap-file versions.pcap.gz -o json --no-summary
SPDX-License-Identifier: Apache-2.0"""

import glob
import gzip
import json
import os
import random
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', '..', '..', 'tests', 'lib'))
import capfile  # noqa: E402
import wire  # noqa: E402
from tcp import Clock, Connection  # noqa: E402

FIXED = {'int8': 1, 'bool': 1, 'int16': 2, 'uint16': 2, 'int32': 4, 'uint32': 4, 'int64': 8, 'float64': 8}
CONTROLLED_SHUTDOWN, API_VERSIONS = 7, 18


def load(folder):
    """-> (key, 'request' or 'response') -> definition"""
    out = {}
    for path in glob.glob(os.path.join(folder, '*.json')):
        with open(path, encoding='utf8') as f:
            d = json.loads(re.sub(r'(^\s*|\s)//[^"\n]*$', '', re.sub(r'^\s*//.*$', '', f.read(), flags=re.M), flags=re.M))
        if d.get('type') in ('request', 'response') and 'fields' in d:
            out[d['apiKey'], d['type']] = d
    return out


def versions(text):
    """"3+" -> (3, 127), "1-4" -> (1, 4), "2" -> (2, 2), "none" -> None"""
    if text in (None, 'none'):
        return None
    first, _, last = text.rstrip('+').partition('-')
    return int(first), 127 if text.endswith('+') else int(last or first)


def varint(n):
    out = b''
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


class Writer:
    """One message of a version."""

    def __init__(self, rng, definition, version):
        flexible = versions(definition.get('flexibleVersions'))
        self.rng, self.version, self.flexible = rng, version, bool(flexible and version >= flexible[0])
        self.structs = {s['name']: s['fields'] for s in definition.get('commonStructs', [])}
        self.body = self.struct(definition['fields'])

    def has(self, text):
        v = versions(text)
        return bool(v) and v[0] <= self.version <= v[1]

    def length(self, n, wide=True):
        return varint(n + 1) if self.flexible else struct.pack('>i' if wide else '>h', n)

    def blob(self, data, wide=True):
        return self.length(-1, wide) if data is None else self.length(len(data), wide) + data

    def batch(self):
        n, body = self.rng.randrange(1, 5), self.rng.randbytes(self.rng.randrange(28, 40))
        return struct.pack('>qiibIhiqqqhii', 0, 49 + len(body), 0, 2, 0, 0, n - 1, 0, 0, -1, -1, -1, n) + body

    def simple(self, kind, name, nullable):
        absent = nullable and self.rng.random() < 0.3
        if kind == 'string':
            text = ''.join(self.rng.choice('abcxyz.-') for _ in range(self.rng.randrange(1, 12)))
            return self.blob(None if absent else text.encode(), wide=False)
        if kind in ('bytes', 'records'):
            return self.blob(None if absent else self.batch() if kind == 'records' else self.rng.randbytes(self.rng.randrange(24)))
        if kind == 'uuid':
            return self.rng.choice([bytes(16), self.rng.randbytes(16)])
        if kind == 'int16' and name.endswith('ErrorCode'):
            return struct.pack('>h', self.rng.choice([0, 0, 3, 6, 41]))
        return (self.rng.randrange(2) if kind in ('bool', 'int8') else self.rng.randrange(1000)).to_bytes(FIXED[kind], 'big')

    def field(self, f):
        kind, nullable = f['type'], self.has(f.get('nullableVersions'))
        inner = f.get('fields') or self.structs.get(kind.removeprefix('[]'))
        if kind.startswith('[]'):
            if nullable and self.rng.random() < 0.2:
                return self.length(-1)
            n = self.rng.choice([0, 1, 1, 2])
            return self.length(n) + b''.join(self.struct(inner) if inner else self.simple(kind[2:], f['name'], False) for _ in range(n))
        if not inner:
            return self.simple(kind, f['name'], nullable)
        if nullable and self.rng.random() < 0.3:
            return b'\xff'
        return (b'\1' if nullable else b'') + self.struct(inner)

    def struct(self, fields):
        out = b''.join(self.field(f) for f in fields if 'tag' not in f and self.has(f['versions']))
        if not self.flexible:
            return out
        tags = {int(f['tag']): self.field(f) for f in fields if 'tag' in f and self.has(f['taggedVersions']) and self.rng.random() < 0.5}
        if self.rng.random() < 0.2:
            tags[77] = self.rng.randbytes(5)
        return out + varint(len(tags)) + b''.join(varint(t) + varint(len(tags[t])) + tags[t] for t in sorted(tags))


def framed(data):
    return struct.pack('>i', len(data)) + data


def exchange(rng, key, version, number, pair):
    ask, reply = (Writer(rng, d, version) for d in pair)
    client = b'' if (key, version) == (CONTROLLED_SHUTDOWN, 0) else struct.pack('>h', 8) + b'client-1'
    tags = rng.choice([b'\0', b'\1\5\2ab'])
    return framed(struct.pack('>hhi', key, version, number) + client + (tags if ask.flexible else b'') + ask.body), \
        framed(struct.pack('>i', number) + (tags if reply.flexible and key != API_VERSIONS else b'') + reply.body)


def main(folders):
    rng, packets, clock, done = random.Random(5), [], Clock(), set()
    for definitions in map(load, reversed(folders)):
        for key, kind in sorted(definitions):
            pair = definitions[key, kind], definitions.get((key, 'response'))
            known = versions(pair[0]['validVersions'])
            for version in range(known[0], known[1] + 1) if kind == 'request' and pair[1] and known else ():
                if (key, version) in done:
                    continue
                done.add((key, version))
                conn = Connection(packets, clock, 20000 + len(done), 9092).open()
                ask, reply = exchange(rng, key, version, 100 + len(done), pair)
                conn.data('c', ask, ack=False)
                conn.data('s', reply)
    with open(os.path.join(HERE, 'versions.pcap.gz'), 'wb') as f:
        f.write(gzip.compress(capfile.pcap_bytes([wire.frame(p) for p in packets]), 9, mtime=0))
    print(len(done), 'exchanges')


if __name__ == '__main__':
    main(sys.argv[1:])
