"""A Kafka peer that lies costs no more than one that does not: processor time and memory of the same number of bytes, as ratios.
Needs a build without sanitizers: $PACKETD_PLAIN (tests/run.sh sets it)."""

import os
import struct

import capfile
import observe
import pytest
import wire
from tcp import Clock, Connection

PLAIN = os.environ.get('PACKETD_PLAIN', os.path.join(observe.ROOT, 'build', 'packetd'))
CONNECTIONS, ROUNDS = 20, 400
BATCH = struct.pack('>qiibIhiqqqhii', 0, 49 + 70, 0, 2, 0, 0, 9, 0, 0, -1, -1, -1, 10) + bytes(70)


def frame(key, version, number, body, client=b'me'):
    head = struct.pack('>hhih', key, version, number, len(client)) + client
    return struct.pack('>i', len(head) + len(body)) + head + body


def answer(number, body):
    return struct.pack('>ii', 4 + len(body), number) + body


def honest(n):
    return frame(0, 3, n, struct.pack('>hhi', -1, 1, 1000) + struct.pack('>i', 1) + b'\0\1t' + struct.pack('>iii', 1, 0, len(BATCH)) + BATCH), \
        answer(n, struct.pack('>i', 1) + b'\0\1t' + struct.pack('>iihqqi', 1, 0, 0, n, -1, 0))


def counts(n):
    """2^31 - 1 topics, both ways, never that many."""
    return frame(3, 1, n, b'\x7f\xff\xff\xff' + b'\0\0' * 100), answer(n, b'\x7f\xff\xff\xff' + bytes(40))


def endless(n):
    """Varints that do not end."""
    return frame(3, 9, n, b'\xff' * 200), answer(n, b'\xff' * 60)


def batches(n):
    """Batches of nothing, 2^31 records each."""
    lie = BATCH[:57] + b'\x7f\xff\xff\xff' + BATCH[61:]
    return frame(0, 3, n, struct.pack('>hhi', -1, 1, 1000) + struct.pack('>i', 1) + b'\0\1t' + struct.pack('>iii', 1, 0, len(lie)) + lie), b''


def topics(n):
    """As many names as fit."""
    names = b''.join(struct.pack('>hH', 2, (n * 131 + k) & 0xffff) for k in range(60))
    return frame(3, 1, n, struct.pack('>i', 60) + names), b''


def starts(n):
    """Frames of a size that no frame has: the next start is looked for among what looks like starts everywhere."""
    return b'\x7f\xff\xff\xff' + struct.pack('>ihhihc', 0x7000, 3, 1, n, 1, b'm') * 16, b''


def sizes(n):
    """Two gigabytes, or what goes for them."""
    return struct.pack('>I', 0x3fffffff) + frame(0, 3, n, produce_head())[4:], answer(n, b'')[:4] + struct.pack('>i', n)


def produce_head():
    return struct.pack('>hhi', -1, 1, 1000) + struct.pack('>i', 1) + b'\0\1t' + struct.pack('>iii', 1, 0, 0x3fff0000) + bytes(100)


def capture(path, exchange):
    packets, clock = [], Clock()
    conns = [Connection(packets, clock, 40000 + k, 9092).open() for k in range(CONNECTIONS)]
    for n in range(ROUNDS):
        for c in conns:
            ask, reply = honest(n) if n < 2 else exchange(n)
            c.data('c', ask, ack=False)
            if reply:
                c.data('s', reply, ack=False)
    capfile.write(path, capfile.pcap_bytes([wire.frame(p) for p in packets]))
    return path


def cost(path):
    """Processor seconds and peak memory in KiB, the least of three runs."""
    best = None
    for _ in range(3):
        pid = os.posix_spawn(PLAIN, [PLAIN, 'watch', '--pcap-file', path, '--quiet'], os.environ,
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, '/dev/null', os.O_WRONLY, 0)])
        _, status, used = os.wait4(pid, 0)
        assert status == 0
        now = used.ru_utime + used.ru_stime, used.ru_maxrss
        best = min(best[0], now[0]) if best else now[0], min(best[1], now[1]) if best else now[1]
    return best


@pytest.fixture(scope='module')
def usual(tmp_path_factory):
    if not os.path.exists(PLAIN):
        pytest.skip('no build without sanitizers')
    return cost(capture(str(tmp_path_factory.mktemp('kafka') / 'honest.pcap'), honest))


@pytest.mark.parametrize('lie', [counts, endless, batches, topics, starts, sizes], ids=lambda f: f.__name__)
def test_lies_are_cheap(lie, usual, tmp_path):
    seconds, memory = cost(capture(str(tmp_path / 'lie.pcap'), lie))
    assert seconds <= 10 * usual[0] + 0.3, (seconds, usual)
    assert memory <= 3 * usual[1] + 32768, (memory, usual)
