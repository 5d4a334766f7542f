"""Memory per connection, and cost per exchange by the number of connections, on generated captures."""

import os
import statistics
import subprocess

from offline import ledger_of
from report import DATA, PACKETD, ROUNDS, check, measure, say, scaled, table, tool

EXCHANGES = scaled(2_000_000, 20_000)


def gencap(connections, exchanges):
    path = os.path.join(DATA, 'gen_%d_%d.pcap' % (connections, exchanges))
    if not os.path.exists(path):
        with open(path + '.new', 'wb') as f:
            subprocess.run([tool('gencap'), str(connections), str(exchanges), '100'], stdout=f, check=True)
        os.rename(path + '.new', path)
    return path


def sizes(numbers):
    rows, rss, complete = [], {}, True
    for n in numbers:
        path = gencap(n, n)
        cost, ledger = ledger_of(path)
        found = ledger['protocols']['http']['answered']
        rss[n], complete = cost.rss, complete and found == n
        rows.append([n, '%.1f' % cost.rss, found])
    table(['idle connections', 'peak RSS MiB', 'exchanges found'], rows)
    few, many = numbers[-3], numbers[-1]
    each = (rss[many] - rss[few]) * 2**20 / (many - few)
    check('Bytes per idle connection, %d of them' % many, '≤ 512', '%.0f' % each, each <= 512)
    check('RSS at %d connections, from a file' % few, '≤ 12 MiB', '%.1f MiB' % rss[few], rss[few] <= 12)
    check('Exchanges found on up to %d connections' % many, 'all', 'all' if complete else 'not all', complete)


def cost_by_connections(numbers):
    """What EXCHANGES more exchanges cost where so many connections exist. Rounds take turns."""
    per = {n: [] for n in numbers}
    for _ in range(min(ROUNDS, 3)):
        for n in numbers:
            few, many = gencap(n, n), gencap(n, n + EXCHANGES)
            more = measure([PACKETD, 'watch', '--pcap-file', many, '--quiet']).cpu - measure([PACKETD, 'watch', '--pcap-file', few, '--quiet']).cpu
            per[n].append(more / EXCHANGES * 1e9)
    first = per[numbers[0]]
    factor = {n: statistics.median(p / f for p, f in zip(per[n], first)) for n in numbers}
    table(['connections', 'CPU ns per exchange', '× that of %d' % numbers[0]], [[n, '%.0f' % statistics.median(per[n]), '%.2f' % factor[n]] for n in numbers])
    check('Cost of an exchange, from %d to %d connections' % (numbers[0], numbers[-1]), '≤ 1.5 ×', '%.2f ×' % factor[numbers[-1]], factor[numbers[-1]] <= 1.5)


def run():
    numbers = [10, 1000, *(scaled(n, least) for n, least in ((10_000, 2000), (100_000, 4000), (1_000_000, 8000)))]
    say('## Memory, and cost by number of connections')
    say()
    say('Generated captures (bench/gencap.c): every connection opens, then exchanges of 100-byte bodies go round all of them; none is closed.')
    say()
    sizes(numbers)
    cost_by_connections(numbers)
