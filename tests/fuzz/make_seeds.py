#!/usr/bin/env python3
"""Writes the seeds of fuzz_net (packets of every encapsulation) and fuzz_capture_file (small files of every kind).
usage: make_seeds.py      The files are committed; run it again when an encapsulation or a kind of file is added.
SPDX-License-Identifier: Apache-2.0"""

import gzip
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
import capfile  # noqa: E402
import wire  # noqa: E402

START = 1700000000 * 10**9
# the order of linktypes[] in fuzz_net.c
KINDS = [wire.ETHERNET, wire.NULL, 9, 50, 51, wire.RAW, wire.LOOP, wire.SLL, wire.IPV4, wire.IPV6, wire.SLL2]


def save(target, name, data):
    folder = os.path.join(HERE, 'seeds', target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data)


def tcp(version=4, **more):
    a, b = (wire.addr('10.0.0.1'), wire.addr('10.0.0.2')) if version == 4 else (wire.addr('2001:db8::1'), wire.addr('2001:db8::2'))
    fields = {'ts': START, 'src': a, 'dst': b, 'sport': 40000, 'dport': 80, 'seq': 1, 'ack': 1, 'payload': b'GET / HTTP/1.1\r\n\r\n', **more}
    return wire.Packet(**fields)


def udp(version=4, **more):
    return tcp(version, proto=wire.UDP, dport=53, payload=bytes.fromhex('123401000001000000000000026e31047465737400000100'), **more)


def records(frames, flags=0):
    """The input of fuzz_net: link type index, flags, length, bytes."""
    out = b''
    for f in frames:
        out += struct.pack('>BBH', KINDS.index(f.linktype), flags, len(f.data)) + f.data
    return out


def icmp_unreachable():
    quoted = wire.ip_packet(udp())
    body = struct.pack('>BBHI', 3, 3, 0, 0) + quoted
    return wire.frame(tcp(proto=wire.ICMP, src=wire.addr('10.0.0.2'), dst=wire.addr('10.0.0.1'), payload=body))


def net():
    for name in wire.ENCAPSULATIONS:
        save('fuzz_net', name, records([wire.frame(tcp(v), name) for v in (4, 6)] + [wire.frame(udp(), name)]))
    for version in (4, 6):
        long = tcp(version, payload=bytes(range(256)) * 2)
        parts = [wire.frame(long, 'ethernet', ip) for ip in wire.fragments(long, 160, 7)]
        save('fuzz_net', 'fragments_ipv%d' % version, records(parts))
        save('fuzz_net', 'fragments_reordered_ipv%d' % version, records(parts[::-1] + parts[:1]))
        save('fuzz_net', 'fragments_late_ipv%d' % version, records(parts[:2]) + records(parts[2:], flags=7))
    save('fuzz_net', 'cut', records([wire.frame(tcp())], flags=8))
    save('fuzz_net', 'vlan_offloaded', records([wire.frame(tcp())], flags=16 | 1 << 6))
    save('fuzz_net', 'icmp_unreachable', records([icmp_unreachable()]))
    save('fuzz_net', 'tcp_options', records([wire.frame(tcp(flags=wire.SYN, options=bytes.fromhex('020405b40402080a000000010000000001030307'), payload=b''))]))


def capture_files():
    frames = [wire.frame(tcp(ts=START + n, payload=b'x' * n)) for n in (0, 20, 300)]
    two = [wire.Frame(f.ts, f.linktype, f.data, iface=n % 2) for n, f in enumerate(frames)] + [wire.frame(tcp(), 'sll')]
    little = capfile.pcap_bytes(frames)
    save('fuzz_capture_file', 'pcap_ns_little', little)
    save('fuzz_capture_file', 'pcap_us_big', capfile.pcap_bytes(frames, '>', nano=False))
    save('fuzz_capture_file', 'pcap_empty', little[:24])
    save('fuzz_capture_file', 'pcap_cut', little[:-7])
    save('fuzz_capture_file', 'pcap_snapped', capfile.pcap_bytes([wire.frame(tcp(keep=5, payload=b'y' * 900))], snaplen=59))
    save('fuzz_capture_file', 'pcapng_little', capfile.pcapng_bytes(two, resolutions=(9, 6)))
    save('fuzz_capture_file', 'pcapng_big', capfile.pcapng_bytes(two, '>', resolutions=(0x8a, 3), noise=True))
    save('fuzz_capture_file', 'pcapng_sections', capfile.pcapng_bytes(frames[:1]) + capfile.pcapng_bytes(frames[1:], '>'))
    save('fuzz_capture_file', 'gz', gzip.compress(little, 6, mtime=0))
    save('fuzz_capture_file', 'gz_members', gzip.compress(little[:50], 6, mtime=0) + gzip.compress(little[50:], 6, mtime=0))
    save('fuzz_capture_file', 'gz_pcapng_cut', gzip.compress(capfile.pcapng_bytes(two), 6, mtime=0)[:-20])
    save('fuzz_capture_file', 'zst', subprocess.run(['zstd', '-q', '-c'], input=little, capture_output=True, check=True).stdout)
    save('fuzz_capture_file', 'no_capture', b'GET / HTTP/1.1\r\n\r\n' * 3)


net()
capture_files()
