"""The captures of tests/captures, and those beside the protocols of which the truth is known, read once."""

import functools
import glob
import os

import capfile
import observe
import truth
import wire

FOLDERS = [os.path.join(observe.ROOT, 'tests', 'captures'), *glob.glob(os.path.join(observe.ROOT, 'src', 'proto', '*', 'captures'))]
PATHS = {f[:-5]: os.path.join(d, f) for d in FOLDERS for f in os.listdir(d) if f.endswith('.pcap') and os.path.exists(os.path.join(d, f[:-5] + '.truth.json'))}
NAMES = sorted(PATHS)


def path(name):
    return PATHS[name]


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
