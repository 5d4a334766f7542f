#!/usr/bin/env python3
"""Measures packetd beside a bare libpcap loop, tcpdump and tshark; run.sh calls it. Truth comes from the load generators and
servers, never from our own output. Exits 1 when a target is missed (unless --no-fail), 2 when something could not be measured."""

import os
import platform
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'tests', 'lib')]
import agent  # noqa: E402
import databases  # noqa: E402
import live  # noqa: E402
import memory  # noqa: E402
import offline  # noqa: E402
from report import PACKETD, SCALE, save, say, summary  # noqa: E402

PARTS = {'offline': offline.run, 'live': live.run, 'databases': databases.run, 'memory': memory.run, 'agent': agent.run}


def about():
    with open('/proc/cpuinfo', encoding='utf8') as f:
        cpu = next((line.split(':')[1].strip() for line in f if line.startswith('model name')), platform.machine())
    version = subprocess.run([PACKETD, 'version'], capture_output=True, text=True, check=True).stdout.split('\n')[0]
    say('# Measured')
    say()
    say('%s, %d CPUs, Linux %s, %s. %s. `%s`' % (cpu, os.cpu_count(), platform.release(), time.strftime('%Y-%m-%d'), version,
                                             'make bench' if SCALE == 1 else 'BENCH_SCALE=%g make bench' % SCALE))
    say()


def main():
    words = [w for w in sys.argv[1:] if w != '--no-fail']
    if any(w not in PARTS for w in words):
        print('usage: bench/run.sh [--no-fail] [%s]...' % '] ['.join(PARTS), file=sys.stderr)
        sys.exit(2)
    wanted = words or list(PARTS)
    about()
    for name, part in PARTS.items():
        if name not in wanted:
            continue
        if name in ('live', 'databases') and os.geteuid():
            say('%s: left out, needs root.' % name.capitalize())
            say()
            continue
        part()
    met = summary()
    save('results.md')
    sys.exit(0 if met or '--no-fail' in sys.argv else 1)


try:
    main()
except (OSError, subprocess.SubprocessError, RuntimeError) as e:
    print('bench: %s' % e, file=sys.stderr)
    print(getattr(e, 'stderr', None) or '', file=sys.stderr)
    sys.exit(2)
