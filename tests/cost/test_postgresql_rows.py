"""A result of a million rows costs no more memory than one of a thousand, and takes no time that a person would notice."""
import os
import struct
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLAIN = os.environ.get('PACKETD_PLAIN', os.path.join(ROOT, 'build', 'packetd'))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))


def message(kind, body=b''):
    return kind + struct.pack('>I', len(body) + 4) + body


def segment(out, ts, client, seq, ack, flags, payload=b''):
    ports = (40000, 5432) if client else (5432, 40000)
    addresses = (b'\x0a\0\0\1', b'\x0a\0\0\2') if client else (b'\x0a\0\0\2', b'\x0a\0\0\1')
    tcp = struct.pack('>HHIIBBHHH', *ports, seq & 0xffffffff, ack & 0xffffffff, 5 << 4, flags, 65535, 0, 0) + payload
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses[0] + addresses[1] + tcp
    out.write(struct.pack('<IIII', ts // 1000000, ts % 1000000, len(ip), len(ip)) + ip)


def capture(path, rows, width):
    """One query with so many rows, in segments of 1448 bytes that do not end where rows do."""
    with open(path, 'wb') as out:
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        ts, asked = 1, 0
        segment(out, ts, True, 0, 0, 2)
        segment(out, ts, False, 0, 1, 18)
        answered = 1

        def ask(data):
            nonlocal asked, ts
            ts += 10
            segment(out, ts, True, 1 + asked, answered, 24, data)
            asked += len(data)

        def answer(data):
            nonlocal answered, ts
            for at in range(0, len(data), 1448):
                ts += 1
                part = data[at:at + 1448]
                segment(out, ts, False, answered, 1 + asked, 16, part)
                answered += len(part)
        startup = b'\0\3\0\0user\0alice\0\0'
        ask(struct.pack('>I', len(startup) + 4) + startup)
        answer(message(b'R', b'\0\0\0\0') + message(b'Z', b'I'))
        ask(message(b'Q', b'select * from large\0'))
        row = message(b'D', struct.pack('>hi', 1, width) + b'x' * width)
        answer(message(b'T', b'\0\1a\0' + b'\0' * 18))
        batch = row * 1000
        for _ in range(rows // 1000):
            answer(batch)
        answer(message(b'C', b'SELECT %d\0' % rows) + message(b'Z', b'I'))


def run(path):
    with subprocess.Popen([PLAIN, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], stdout=subprocess.PIPE) as child:
        text = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
    assert status == 0
    return usage.ru_maxrss, usage.ru_utime + usage.ru_stime, text


@pytest.mark.skipif(not os.path.exists(PLAIN), reason='no build without sanitizers')
@pytest.mark.parametrize('rows, width', [(1_000_000, 10), (20_000, 3000)])
def test_rows_cost_no_memory(tmp_path, rows, width):
    few, many = str(tmp_path / 'few.pcap'), str(tmp_path / 'many.pcap')
    capture(few, 1000, width)
    capture(many, rows, width)
    small, _, _ = run(few)
    large, seconds, text = run(many)
    assert '"Rows":%d' % rows in text and text.count('\n') == 2
    assert large < small + 1024, '%d kB instead of %d' % (large, small)
    assert seconds < 20
