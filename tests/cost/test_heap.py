"""No malloc and no lock on the packet path: ten times the packets make not one heap call more.

The counts come from a library put before libc's (heap_count.c), so they are the program's own, every thread included.
Needs a build without sanitizers: $PACKETD_PLAIN (tests/run.sh sets it)."""
import fcntl
import os
import struct
import subprocess
import termios
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLAIN = os.environ.get('PACKETD_PLAIN', os.path.join(ROOT, 'build', 'packetd'))
BATCHES = 64  # LINES_BATCHES


@pytest.fixture(scope='module')
def tools(tmp_path_factory):
    d = tmp_path_factory.mktemp('heap')
    so, gencap = str(d / 'heap_count.so'), str(d / 'gencap')
    subprocess.run(['gcc', '-O2', '-shared', '-fPIC', '-o', so, os.path.join(HERE, 'heap_count.c'), '-ldl'], check=True)
    subprocess.run(['gcc', '-O2', '-o', gencap, os.path.join(ROOT, 'bench', 'gencap.c')], check=True)
    return d, so, gencap


def capture_of(tools, exchanges):
    d, _, gencap = tools
    path = str(d / ('%d.pcap' % exchanges))
    if not os.path.exists(path):
        with open(path, 'wb') as f:
            subprocess.run([gencap, '200', str(exchanges), '500'], stdout=f, check=True)
    return path


def threads_sleep(pid):
    for task in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/stat' % (pid, task), encoding='ascii') as f:
            if f.read().rpartition(')')[2].split()[0] != 'S':
                return False
    return True


def wait_until_stuck(child):
    """Until nobody in the program has anything to do but to wait for its reader: the pipe is full, and all threads slept
    each of the 40 times somebody looked."""
    end, asleep = time.monotonic() + 60, 0
    while asleep < 40:
        assert time.monotonic() < end, 'the program does not wait for its reader'
        assert child.poll() is None, 'the program ended before anybody read what it wrote'
        waiting = struct.unpack('i', fcntl.ioctl(child.stdout, termios.FIONREAD, b'\0' * 4))[0]
        asleep = asleep + 1 if waiting >= 60_000 and threads_sleep(child.pid) else 0
        time.sleep(0.02)


def calls(tools, exchanges, *args, stall=False):
    """Heap calls, locks and lines of a run. `stall`: its output is read only when it can do no more without."""
    d, so, _ = tools
    counts = str(d / 'counts')
    # time passes in the capture, not here: what happens ten times a second of real time must not blur the picture
    with subprocess.Popen([PLAIN, 'watch', '--pcap-file', capture_of(tools, exchanges), *args], env={**os.environ, 'LD_PRELOAD': so, 'HEAP_COUNT': counts},
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        if stall:
            wait_until_stuck(child)
        out, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    with open(counts, encoding='ascii') as f:
        words = f.read().split()
    return int(words[1]), int(words[3]), out.count(b'\n')


@pytest.mark.skipif(not os.path.exists(PLAIN), reason='no build without sanitizers')
def test_decoding_takes_nothing_from_the_heap(tools):
    few_heap, few_locks, _ = calls(tools, 10_000, '--quiet')
    many_heap, many_locks, _ = calls(tools, 100_000, '--quiet')
    assert many_heap == few_heap
    assert many_locks - few_locks <= 20  # the statistics that are handed on ten times a second


@pytest.mark.skipif(not os.path.exists(PLAIN), reason='no build without sanitizers')
def test_json_lines_cost_a_lock_per_batch_and_no_heap(tools):
    """How many buffers the queue ever has depends on how far its writer lags. So nobody reads until the queue is full and all its
    buffers exist and have grown; what comes after that must do with them."""
    few_heap, few_locks, few_lines = calls(tools, 20_000, '-o', 'json', stall=True)
    many_heap, many_locks, many_lines = calls(tools, 200_000, '-o', 'json', stall=True)
    assert (few_lines, many_lines) == (20_000, 200_000)
    # a buffer handed over by the clock, before it was full, may grow once more later
    assert abs(many_heap - few_heap) <= BATCHES
    assert many_locks - few_locks <= (many_lines - few_lines) / 10  # batches, not lines
