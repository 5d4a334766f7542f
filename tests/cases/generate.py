#!/usr/bin/env python3
"""Writes every case as DIR/NAME.pcap (or .pcapng) with DIR/NAME.truth.json.   usage: generate.py DIR"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'lib')]
import capfile  # noqa: E402
import truth  # noqa: E402
import wire  # noqa: E402
from cases import CASES  # noqa: E402

os.makedirs(sys.argv[1], exist_ok=True)
for name, make in CASES.items():
    packets, exchanges = make()
    frames = [wire.frame(p) for p in packets]
    several = len({f.iface for f in frames}) > 1
    path = os.path.join(sys.argv[1], name + ('.pcapng' if several else '.pcap'))
    capfile.write(path, capfile.pcapng_bytes(frames) if several else capfile.pcap_bytes(frames))
    truth.save(os.path.join(sys.argv[1], name + '.truth.json'), exchanges)
print('%d cases in %s' % (len(CASES), sys.argv[1]))
