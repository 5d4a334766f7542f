"""The captures of tests/captures, read once."""

import functools
import os

import capfile
import observe
import truth
import wire

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'captures')
NAMES = sorted(f[:-5] for f in os.listdir(FOLDER) if f.endswith('.pcap'))


def path(name):
    return os.path.join(FOLDER, name + '.pcap')


@functools.lru_cache(None)
def load(name):
    """Its packets, as a list nobody may change."""
    return [p for p in map(wire.parse, capfile.read(path(name))) if p]


@functools.lru_cache(None)
def exchanges(name):
    return truth.load(path(name).replace('.pcap', '.truth.json'))


@functools.lru_cache(None)
def base(name):
    """What the program says of the recording as it is."""
    return observe.watch(path(name))
