#!/usr/bin/env python3
"""Measures packetd beside a bare libpcap loop, tcpdump and tshark; called by run.sh. Truth comes from the load generators and
servers, never from our own output. Prints a table as it goes and writes bench/results.md."""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..')
DATA = os.path.join(HERE, 'data')
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests', 'lib')]
import live  # noqa: E402
import record  # noqa: E402

PACKETD = os.path.abspath(os.environ.get('PACKETD', os.path.join(ROOT, 'build', 'packetd')))
ROUNDS = int(os.environ.get('ROUNDS', '5'))
out = []


def say(line=''):
    print(line, flush=True)
    out.append(line)


def table(head, rows):
    say('| ' + ' | '.join(head) + ' |')
    say('|' + '---|' * len(head))
    for r in rows:
        say('| ' + ' | '.join(str(c) for c in r) + ' |')
    say()


def verdict(ok, text):
    say('%s %s' % ('**reached**' if ok else '**MISSED**', text))
    say()


class Cost:
    def __init__(self, cpu, rss, code, stdout):
        self.cpu, self.rss, self.code, self.stdout = cpu, rss, code, stdout


def measure(command, stdout=subprocess.DEVNULL):
    """CPU seconds (user + system) and peak RSS in MiB of a command."""
    done = subprocess.run([os.path.join(DATA, 'measure'), *command], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    user, system, rss, code = re.search(r'measure: (\S+) (\S+) (\S+) (\S+)', done.stderr).groups()
    if code != '0':
        raise SystemExit('%s: exit %s\n%s' % (' '.join(command), code, done.stderr[-2000:]))
    return Cost(float(user) + float(system), int(rss) / 1024, int(code), done.stdout)


def packetd_ledger(path, *more):
    ledger = os.path.join(DATA, 'ledger.json')
    cost = measure([PACKETD, 'watch', '--pcap-file', path, '--quiet', '--ledger-json', ledger, *more])
    with open(ledger, encoding='utf8') as f:
        return cost, json.load(f)


TSHARK = {
    'http': ['-Y', 'http.response', '-T', 'fields', '-e', 'http.request_in', '-e', 'http.response.code', '-e', 'http.response_for.uri'],
    'redis': ['-Y', 'resp && tcp.srcport == 6379', '-T', 'fields', '-e', 'tcp.stream', '-e', 'resp.string', '-e', 'resp.bulk_string.value'],
    'dns': ['-Y', 'dns.flags.response == 1', '-T', 'fields', '-e', 'dns.qry.name', '-e', 'dns.flags.rcode'],
}


def tshark(path, protocol):
    return ['tshark', '-n', '-r', path, *TSHARK[protocol]]


def medians(commands):
    """name -> (median CPU, highest RSS) over interleaved rounds."""
    seen = {name: [] for name in commands}
    for n in range(ROUNDS):
        for name, (command, rounds) in commands.items():
            if n < rounds:
                seen[name].append(measure(command))
    return {name: (statistics.median(c.cpu for c in costs), max(c.rss for c in costs)) for name, costs in seen.items()}


def offline_one(protocol, capture, title, loop_factor, tshark_factor):
    path, truth = capture
    with open(path, 'rb') as f:
        while f.read(1 << 24):  # into the page cache
            pass
    _, ledger = packetd_ledger(path)
    p = ledger['protocols'][protocol]
    found = p['answered']
    lines = subprocess.run('%s watch --pcap-file %s -o json --no-summary 2>/dev/null | grep -c \'"Outcome":"answered"\'' % (PACKETD, path), shell=True,
                           capture_output=True, text=True, check=False).stdout.strip()
    cost = medians({
        'loop': ([os.path.join(DATA, 'pcaploop'), path], ROUNDS),
        'tcpdump -r': (['tcpdump', '-n', '-r', path, '-w', '/dev/null'], ROUNDS),
        'packetd --quiet': ([PACKETD, 'watch', '--pcap-file', path, '--quiet'], ROUNDS),
        'packetd -o json': ([PACKETD, 'watch', '--pcap-file', path, '-o', 'json'], ROUNDS),
        'tshark': (tshark(path, protocol), 1 if ROUNDS < 9 else 2),
    })
    loop, shark = cost['loop'][0], cost['tshark'][0]
    say('### %s: %d exchanges, %d MB' % (title, truth, os.path.getsize(path) // 10**6))
    say()
    table(['', 'CPU s', '× loop', 'tshark ÷', 'RSS MiB', 'found of %d' % truth], [
        [name, '%.3f' % cpu, '%.2f' % (cpu / loop), '%.1f' % (shark / cpu), '%.1f' % rss,
         {'packetd --quiet': found, 'packetd -o json': lines}.get(name, '–')] for name, (cpu, rss) in cost.items()])
    verdict(found == truth and lines == str(truth), '%d of %d exchanges (%s JSON lines)' % (found, truth, lines))
    quiet = cost['packetd --quiet'][0]
    if loop_factor:
        verdict(quiet <= loop_factor * loop, '%.2f × the loop (at most %.1f), JSON %.2f ×' % (quiet / loop, loop_factor, cost['packetd -o json'][0] / loop))
    verdict(shark >= tshark_factor * quiet, '%.1f × less than tshark (at least %d), JSON %.1f ×' % (shark / quiet, tshark_factor, shark / cost['packetd -o json'][0]))


def offline():
    say('## Offline')
    say()
    say('CPU is user + system, the median of %d interleaved rounds (tshark: one), files in the page cache.' % ROUNDS)
    say()
    offline_one('http', record.http(DATA), 'HTTP keep-alive, 2 KB bodies (wrk, nginx)', 3.0, 40)
    offline_one('redis', record.redis(DATA), 'Redis (redis-benchmark, GET and SET)', None, 40)
    offline_one('dns', record.dns(DATA), 'DNS over UDP (dnsperf, unbound)', None, 30)


def gencap(connections, exchanges, body):
    path = os.path.join(DATA, 'gen_%d_%d_%d.pcap' % (connections, exchanges, body))
    if not os.path.exists(path):
        with open(path + '.new', 'wb') as f:
            subprocess.run([os.path.join(DATA, 'gencap'), str(connections), str(exchanges), str(body)], stdout=f, check=True)
        os.rename(path + '.new', path)
    return path


def memory():
    say('## Memory, and cost by number of connections')
    say()
    say('Generated captures (gencap): every connection opens, then exchanges go round all of them.')
    say()
    rows, rss = [], {}
    for n in (10, 1000, 10_000, 100_000, 1_000_000):
        cost, ledger = packetd_ledger(gencap(n, n, 100))
        rss[n] = cost.rss
        rows.append([n, '%.1f' % cost.rss, ledger['protocols']['http']['answered']])
    table(['idle connections', 'peak RSS MiB', 'exchanges found'], rows)
    each = (rss[1_000_000] - rss[10_000]) * 2**20 / 990_000
    verdict(each <= 512, '%.0f bytes for each idle connection (at most 512)' % each)
    verdict(rss[10_000] <= 12, '%.1f MiB at 10 000 connections (at most 12, without a ring)' % rss[10_000])
    rows, per = [], {}
    for n in (10, 1000, 10_000, 100_000, 1_000_000):
        few, many = gencap(n, n, 100), gencap(n, n + 2_000_000, 100)
        cpu = []
        for _ in range(min(ROUNDS, 3)):
            cpu.append(measure([PACKETD, 'watch', '--pcap-file', many, '--quiet']).cpu - measure([PACKETD, 'watch', '--pcap-file', few, '--quiet']).cpu)
        per[n] = statistics.median(cpu) / 2_000_000 * 1e9
        rows.append([n, '%.0f' % per[n], '%.2f' % (per[n] / per[10])])
        os.unlink(many)
    table(['connections', 'ns CPU per exchange', '× that of 10'], rows)
    verdict(per[1_000_000] <= 1.5 * per[10], '%.2f × from 10 to 1M connections (at most 1.5)' % (per[1_000_000] / per[10]))


def main():
    wanted = sys.argv[1:] or ['offline', 'live', 'memory']
    cpu = next((line.split(':')[1].strip() for line in open('/proc/cpuinfo', encoding='utf8') if line.startswith('model name')), platform.machine())
    say('# Measured on this machine')
    say()
    say('%s, %d CPUs, Linux %s, %s. `%s`.' % (cpu, os.cpu_count(), platform.release(), time.strftime('%Y-%m-%d'),
                                              subprocess.run([PACKETD, 'version'], capture_output=True, text=True, check=True).stdout.replace('\n', ' ').strip()))
    say('Made by `make bench`; absolute times move with the machine, ratios less.')
    say()
    if 'offline' in wanted:
        offline()
    if 'live' in wanted:
        if os.geteuid():
            say('Live: left out, needs root.')
        else:
            live.run(PACKETD, DATA, ROUNDS, say, table, verdict)
    if 'memory' in wanted:
        memory()
    with open(os.path.join(HERE, 'results.md'), 'w', encoding='utf8') as f:
        f.write('\n'.join(out) + '\n')
    sys.exit(any('MISSED' in line for line in out))


main()
