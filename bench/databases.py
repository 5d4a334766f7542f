"""Statements of databases: read from captures beside tshark, and live beside tcpdump. Truth: what the server itself counted."""

import json
import os
import statistics
import subprocess
import time
import urllib.request

import live
import mysql
import postgresql
from record import Recording
from report import DATA, PACKETD, ROUNDS, check, measure, say, scaled, table, tool

TRANSACTIONS = {'mysql': 3500, 'postgresql': 10_000}  # at 20 and 7 statements
RING_MIB = 32
WATCHERS = ('tcpdump', 'quiet', 'json', 'agent')
CONFIG = 'sniffer: {ifaces: lo, ringSize: %dMiB}\nprocessor:\n- name: roundtripstometrics\n  config: {%s}\npipeline:\n- {name: all, processors: [roundtripstometrics]}\n'


def captured(load, server, mode, path, transactions):
    """-> statements that the server counted"""
    for _ in range(5):
        recording = Recording(path, 'port %d' % load.PORT)
        count = load.load(server, mode, transactions)
        if recording.stop() == 0:
            return count
    raise RuntimeError('recording %s: the kernel drops packets' % mode)


def statements(load, path):
    with subprocess.Popen([PACKETD, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], stdout=subprocess.PIPE) as child:
        return sum(any(mark in line for mark in load.IS_STATEMENT) and b'"Outcome":"answered"' in line for line in child.stdout)


def offline(load, server, mode, transactions):
    path = os.path.join(DATA, '%s_%s.pcap' % (load.PROTOCOL, mode))
    true = captured(load, server, mode, path, transactions)
    title = '%s, %s, from a file' % (load.TITLE, mode)
    found = statements(load, path)
    ours = statistics.median(measure([PACKETD, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary']).cpu for _ in range(ROUNDS))
    shark = measure(['tshark', '-n', '-r', path, *load.TSHARK]).cpu
    os.unlink(path)
    check(title + ': statements found', true, found, found == true)
    check(title + ': tshark ÷ packetd with JSON', '≥ 15', '%.1f (%.2f s and %.2f s for %d)' % (shark / ours, shark, ours, true), shark >= 15 * ours)


class Watcher(live.Watcher):
    """As the others', and the agent."""

    def __init__(self, kind, port):
        config, self.ledger = os.path.join(DATA, 'agent.yaml'), os.path.join(DATA, 'live.json')
        with open(config, 'w', encoding='utf8') as f:
            f.write(CONFIG % (RING_MIB, 'defaultLabels: true'))
        watch = [PACKETD, 'watch', '--ifaces', 'lo', '--ring', '%dM' % RING_MIB, '--ledger-json', self.ledger]
        self.kind, self.child, self.told = kind, None, None
        self.command = {'quiet': [*watch, '--quiet'], 'json': [*watch, '-o', 'json', '--no-summary'], 'agent': [PACKETD, 'agent', '--config', config],
                        'tcpdump': ['tcpdump', '-Z', 'root', '-n', '-i', 'lo', '-w', '/dev/null', '-B', str(RING_MIB * 1024), 'port %d' % port]}[kind]
        self.before = live.carried()
        self.child = subprocess.Popen([tool('measure'), *self.command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        time.sleep(1.5)

    def stop(self):
        if self.kind != 'agent':
            return super().stop()
        time.sleep(1)
        passed = live.carried() - self.before
        with urllib.request.urlopen('http://127.0.0.1:9091/api/v1/ledger', timeout=30) as answer:
            with open(self.ledger, 'wb') as f:
                f.write(answer.read())
        self.child.send_signal(2)
        cost = live.Cost(self.child.communicate(timeout=60)[1], self.command)
        with open(self.ledger, encoding='utf8') as f:
            ledger = json.load(f)
        return cost, ledger, passed - ledger['packets'] - ledger['kernel_dropped']


def idle(name, port):
    """CPU of a watcher that sees nothing: what it costs to start, and to be there for a while."""
    watcher = Watcher(name, port)
    time.sleep(2)
    return watcher.stop()[0].cpu


def beside(load, server, mode, transactions):
    seen = {name: [] for name in WATCHERS}
    start = {name: idle(name, load.PORT) for name in WATCHERS}
    for n in range(min(ROUNDS, 3)):
        for name in WATCHERS[n % 4:] + WATCHERS[:n % 4]:
            watcher = Watcher(name, load.PORT)
            began = time.monotonic()
            true = load.load(server, mode, transactions)
            rate = true / (time.monotonic() - began)
            one = live.Run(load.PROTOCOL, true, rate, watcher.stop())
            one.per_million -= start[name] / true * 1e6
            seen[name].append(one)
    say('### %s, %s, live' % (load.TITLE, mode))
    say()
    table(['watched by', 'statements/s', 'CPU s per million', 'peak RSS MiB', 'packets dropped'],
          [[name, '%.0f' % statistics.median(r.rate for r in runs), '%.2f' % statistics.median(r.per_million for r in runs), '%.1f' % max(r.rss for r in runs),
            sum(r.dropped for r in runs)] for name, runs in seen.items()])
    for name in WATCHERS[1:]:
        title = 'Live %s, %s, %s' % (load.TITLE, mode, name)
        beyond = statistics.median(r.per_million - t.per_million for r, t in zip(seen[name], seen['tcpdump']))
        check(title + ': CPU beyond tcpdump', '≤ 2 s per million', '%.2f s' % beyond, beyond <= 2.0)
        # log-ins, and what prepares and closes, are exchanges beside the statements
        whole = all(r.dropped or r.told >= r.true for r in seen[name])
        check(title + ': all, or the drops named', '100 %, or named', 'told %s of %s, dropped %d' % ([r.told for r in seen[name]], [r.true for r in seen[name]], sum(
            r.dropped for r in seen[name])), whole)


def run():
    say('## Databases')
    say()
    say('Live: ring of %d MiB; --quiet, -o json and the agent with metrics of all labels there are by default. What each costs to start is taken off.' % RING_MIB)
    say()
    for load in (mysql, postgresql):
        transactions = scaled(TRANSACTIONS[load.PROTOCOL], 100)
        with load.start() as server:
            for mode in load.MODES:
                offline(load, server, mode, 2 * transactions)
                beside(load, server, mode, transactions)
