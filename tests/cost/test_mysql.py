"""MySQL: rows cost no memory, statements no heap calls."""

import json
import os
import subprocess

import capfile
import mysql_wire as m
import pytest
import tcp
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLAIN = os.environ.get('PACKETD_PLAIN', os.path.join(ROOT, 'build', 'packetd'))
pytestmark = pytest.mark.skipif(not os.path.exists(PLAIN), reason='no build without sanitizers')
OK = b'\0\0\0\2\0\0\0'


class Packed:
    """Packets with running sequence numbers, as bytes."""

    def __init__(self, seq):
        self.seq, self.out = seq, bytearray()

    def add(self, payload):
        self.out += len(payload).to_bytes(3, 'little') + bytes([self.seq & 255]) + payload
        self.seq += 1
        return self


def column():
    return m.text('def') + m.text('d') * 5 + b'\x0c\x2d\0\x50\0\0\0\xfd\0\0\0\0\0'


def capture(path, answers):
    """One connection that asks a statement for each of the answers' numbers of rows."""
    packets = []
    c = tcp.Connection(packets, tcp.Clock(), sport=3306, mss=32000).open()
    greeting = b'\x0a8.0.36\0' + b'\1\0\0\0' + b'abcdefgh\0' + b'\x0b\xa2\x2d\2\0\x08\0\x15' + bytes(10) + b'ijklmnopqrst\0mysql_native_password\0'
    c.data('s', bytes(Packed(0).add(greeting).out))
    login = m.struct.pack('<IIB23x', m.BASE & ~m.LOCAL_FILES, 1 << 24, 45) + b'joe\0\0mysql_native_password\0'
    c.data('c', bytes(Packed(1).add(login).out))
    c.data('s', bytes(Packed(2).add(OK).out))
    for n, rows in enumerate(answers):
        c.data('c', bytes(Packed(0).add(b'\3select a from t where b in (%d, 2) -- number %d' % (rows, n)).out))
        p = Packed(1).add(b'\1').add(column()).add(b'\xfe\0\0\2\0')
        for i in range(rows):
            p.add(b'\x0arow%07d' % i)
        c.data('s', bytes(p.add(b'\xfe\0\0\2\0').out))
    c.close()
    capfile.write(path, capfile.pcap_bytes([wire.frame(p) for p in packets]))
    return path


def peak(measure, path):
    """-> (KiB of memory at the most, lines); started by something small, as a child's peak begins at its parent's."""
    done = subprocess.run([measure, PLAIN, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], capture_output=True, check=True, timeout=120)
    return int(done.stderr.split()[-2]), [json.loads(line) for line in done.stdout.splitlines()]


def test_a_million_rows_cost_no_memory(tmp_path):
    measure = str(tmp_path / 'measure')
    subprocess.run(['gcc', '-O2', '-o', measure, os.path.join(ROOT, 'bench', 'measure.c')], check=True)
    little, few = peak(measure, capture(str(tmp_path / 'few.pcap'), [1000]))
    much, many = peak(measure, capture(str(tmp_path / 'many.pcap'), [1_000_000]))
    for lines, rows in ((few, 1000), (many, 1_000_000)):
        assert [(r['Request']['Command'], r['Outcome']) for r in lines] == [('LOGIN', 'answered'), ('QUERY', 'answered')]
        assert lines[1]['Response']['Packet']['Rows'] == rows
    assert much - little < 2048, (little, much)


def test_statements_take_nothing_from_the_heap(tmp_path):
    so, counts = str(tmp_path / 'heap_count.so'), str(tmp_path / 'counts')
    subprocess.run(['gcc', '-O2', '-shared', '-fPIC', '-o', so, os.path.join(HERE, 'heap_count.c'), '-ldl'], check=True)
    calls = []
    for n in (500, 5000):
        path = capture(str(tmp_path / ('%d.pcap' % n)), [3] * n)
        subprocess.run([PLAIN, 'watch', '--pcap-file', path, '--quiet'], env={**os.environ, 'LD_PRELOAD': so, 'HEAP_COUNT': counts}, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        with open(counts, encoding='ascii') as f:
            calls.append(int(f.read().split()[1]))
    assert calls[0] == calls[1], calls
