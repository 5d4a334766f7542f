"""No malloc and no lock on the packet path: ten times the packets make not one heap call more.

The counts come from a library put before libc's (heap_count.c), so they are the program's own, every thread included.
Needs a build without sanitizers: $PACKETD_PLAIN (tests/run.sh sets it)."""
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLAIN = os.environ.get('PACKETD_PLAIN', os.path.join(ROOT, 'build', 'packetd'))


@pytest.fixture(scope='module')
def tools(tmp_path_factory):
    d = tmp_path_factory.mktemp('heap')
    so, gencap = str(d / 'heap_count.so'), str(d / 'gencap')
    subprocess.run(['gcc', '-O2', '-shared', '-fPIC', '-o', so, os.path.join(HERE, 'heap_count.c'), '-ldl'], check=True)
    subprocess.run(['gcc', '-O2', '-o', gencap, os.path.join(ROOT, 'bench', 'gencap.c')], check=True)
    return d, so, gencap


def calls(tools, exchanges, *args):
    d, so, gencap = tools
    capture, counts = str(d / ('%d.pcap' % exchanges)), str(d / 'counts')
    if not os.path.exists(capture):
        with open(capture, 'wb') as f:
            subprocess.run([gencap, '200', str(exchanges), '500'], stdout=f, check=True)
    # time passes in the capture, not here: what happens ten times a second of real time must not blur the picture
    run = subprocess.run([PLAIN, 'watch', '--pcap-file', capture, *args], env={**os.environ, 'LD_PRELOAD': so, 'HEAP_COUNT': counts},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=True)
    words = open(counts, encoding='ascii').read().split()
    return int(words[1]), int(words[3]), run.stdout.count(b'\n')


@pytest.mark.skipif(not os.path.exists(PLAIN), reason='no build without sanitizers')
def test_decoding_takes_nothing_from_the_heap(tools):
    few_heap, few_locks, _ = calls(tools, 10_000, '--quiet')
    many_heap, many_locks, _ = calls(tools, 100_000, '--quiet')
    assert many_heap == few_heap
    assert many_locks - few_locks <= 20  # the statistics that are handed on ten times a second


@pytest.mark.skipif(not os.path.exists(PLAIN), reason='no build without sanitizers')
def test_json_lines_cost_a_lock_per_batch_and_no_heap(tools):
    few_heap, few_locks, few_lines = calls(tools, 10_000, '-o', 'json')
    many_heap, many_locks, many_lines = calls(tools, 100_000, '-o', 'json')
    assert (few_lines, many_lines) == (10_000, 100_000)
    assert many_heap - few_heap <= 40  # buffers of the queue, until it has as many as it may
    assert many_locks - few_locks <= (many_lines - few_lines) / 10  # batches, not lines
