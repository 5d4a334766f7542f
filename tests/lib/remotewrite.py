"""Remote write, 1.0 and 2.0, decoded by field numbers."""

import struct

import backend
from backend import fields


def number(bits):
    return struct.unpack('<d', struct.pack('<Q', bits))[0]


def signed(v):
    return v >> 1 ^ -(v & 1)


def packed(data):
    out, at = [], 0
    while at < len(data):
        v, at = backend.varint(data, at)
        out.append(v)
    return out


class Series:
    def __init__(self, labels, points, histograms, exemplars, metadata=None, created=0):
        self.labels, self.points, self.histograms, self.exemplars, self.metadata, self.created = labels, points, histograms, exemplars, metadata, created

    @property
    def name(self):
        return self.labels['__name__']


def ordered(pairs):
    names = [n for n, _ in pairs]
    assert names == sorted(names) and len(set(names)) == len(names), names
    assert all(v for _, v in pairs), 'an empty value'
    return dict(pairs)


def samples(list_):
    return [(number(fields(s).get(1, [0])[0]), fields(s)[2][0], fields(s).get(1, [0])[0]) for s in list_]


def decode_v1(body):
    series = []
    for raw in fields(body)[1]:
        f = fields(raw)
        pairs = [(fields(kv)[1][0].decode(), fields(kv)[2][0].decode()) for kv in f[1]]
        series.append(Series(ordered(pairs), samples(f[2]), f[4], f[3]))
    return series


def decode_v2(body):
    request = fields(body)
    symbols = [s.decode() for s in request[4]]
    assert symbols[0] == '' and len(set(symbols)) == len(symbols)
    series = []
    for raw in request[5]:
        f = fields(raw)
        refs = packed(f[1][0])
        pairs = [(symbols[a], symbols[b]) for a, b in zip(refs[::2], refs[1::2])]
        meta = fields(f[5][0])
        assert not (f[2] and f[3]), 'samples and histograms in one'
        series.append(Series(ordered(pairs), samples(f[2]), f[3], f[4], (meta[1][0], symbols[meta[3][0]], symbols[meta[4][0]]), f.get(6, [0])[0]))
    return series
