"""What the benchmark says: tables as it goes, and at the end every target with what was measured."""

import os
import re
import subprocess

SCALE = float(os.environ.get('BENCH_SCALE', '1'))
ROUNDS = max(1, int(os.environ.get('ROUNDS', '5')))
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.abspath(os.environ.get('BENCH_DATA', os.path.join(HERE, '..', 'build', 'bench')))
PACKETD = os.path.abspath(os.environ.get('PACKETD', os.path.join(HERE, '..', 'build', 'packetd')))

_lines, _checks = [], []


def scaled(n, least=1):
    """`n` of a full run, in a run of BENCH_SCALE."""
    return max(least, round(n * SCALE))


def say(line=''):
    print(line, flush=True)
    _lines.append(line)


def table(head, rows):
    say('| ' + ' | '.join(head) + ' |')
    say('|' + '---|' * len(head))
    for r in rows:
        say('| ' + ' | '.join(str(c) for c in r) + ' |')
    say()


def check(what, target, measured, met):
    _checks.append((what, target, measured, 'met' if met else '**missed**'))


def summary():
    """-> whether every target was met."""
    missed = sum(1 for c in _checks if c[3] != 'met')
    say('## Targets')
    say()
    table(['what', 'target', 'measured', ''], _checks)
    say('%d targets: %d met, %d missed.' % (len(_checks), len(_checks) - missed, missed))
    if SCALE != 1:
        say('A run of BENCH_SCALE=%g: what a program costs to start weighs more than in a full one, so ratios say little.' % SCALE)
    return not missed


def save(name):
    with open(os.path.join(DATA, name), 'w', encoding='utf8') as f:
        f.write('\n'.join(_lines) + '\n')


class Cost:
    """CPU seconds (user + system) and peak RSS in MiB of a command that has ended; `error` is what it wrote to standard error."""

    def __init__(self, error, command):
        found = re.search(r'measure: (\S+) (\S+) (\S+) (\S+)\n$', error)
        if not found or found[4] != '0':
            raise SystemExit('%s failed\n%s' % (' '.join(command), error[-2000:]))
        self.cpu, self.rss, self.error = float(found[1]) + float(found[2]), int(found[3]) / 1024, error


def tool(name):
    return os.path.join(DATA, name)


def measure(command):
    done = subprocess.run([tool('measure'), *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return Cost(done.stderr, command)
