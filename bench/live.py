"""The live part of the benchmark: a real server under load on loopback, watched by packetd or by tcpdump with the same ring,
or by nobody. Truth: what the server or the load generator counted."""

import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import time

import servers

RING_KIB = 8192
SECONDS = int(os.environ.get('LIVE_SECONDS', '8'))


class Watcher:
    """A program that captures meanwhile; what it cost, and for packetd its ledger."""

    def __init__(self, kind, packetd, data, port):
        self.kind, self.ledger = kind, os.path.join(data, 'live.json')
        self.child = None
        command = {'packetd': [packetd, 'watch', '--ifaces', 'lo', '--ring', '8M', '--quiet', '--ledger-json', self.ledger],
                   'tcpdump': ['tcpdump', '-Z', 'root', '-n', '-i', 'lo', '-w', '/dev/null', '-B', str(RING_KIB), 'port %d' % port]}.get(kind)
        if command:
            self.child = subprocess.Popen([os.path.join(data, 'measure'), *command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            time.sleep(1.5)

    def stop(self):
        """-> (CPU s, RSS MiB, ledger or packets dropped)"""
        if not self.child:
            return 0.0, 0.0, None
        time.sleep(1.5)
        self.child.send_signal(signal.SIGINT)
        text = self.child.communicate(timeout=60)[1]
        user, system, rss, code = re.search(r'measure: (\S+) (\S+) (\S+) (\S+)', text).groups()
        if code != '0':
            raise SystemExit('%s: exit %s\n%s' % (self.kind, code, text[-2000:]))
        if self.kind == 'tcpdump':
            return float(user) + float(system), int(rss) / 1024, int(re.search(r'(\d+) packets dropped', text)[1])
        with open(self.ledger, encoding='utf8') as f:
            return float(user) + float(system), int(rss) / 1024, json.load(f)


def wrk(server, seconds):
    before = server.requests()
    text = subprocess.run(['wrk', '-t1', '-c50', '-d%ds' % seconds, 'http://127.0.0.1:%d/size/2000' % server.port], capture_output=True, text=True, check=True).stdout
    asked = server.requests() - before
    return asked, float(re.search(r'Requests/sec:\s+(\S+)', text)[1])


def redis_benchmark(pipeline):
    def load(server, seconds):
        before, began = server.commands(), time.monotonic()
        n = {1: 60000, 16: 400000}[pipeline] * seconds
        subprocess.run(['redis-benchmark', '-q', '-p', str(server.port), '-t', 'set,get', '-n', str(n // 2), '-c', '50', '-d', '100', '-P', str(pipeline)],
                       capture_output=True, check=True)
        return server.commands() - before, n / (time.monotonic() - began)
    return load


def dnsperf(server, seconds):
    names = os.path.join(server.dir, 'names')
    with open(names, 'w', encoding='utf8') as f:
        f.writelines('n%d.test A\n' % n for n in range(256))
    text = subprocess.run(['dnsperf', '-s', server.address, '-p', str(server.port), '-d', names, '-l', str(seconds), '-c', '10', '-q', '100'],
                          capture_output=True, text=True, check=True).stdout
    return int(re.search(r'Queries sent:\s+(\d+)', text)[1]), float(re.search(r'Queries per second:\s+(\S+)', text)[1])


LOADS = [('http', 'HTTP (wrk, nginx, 2 KB)', servers.Nginx, 80, wrk), ('redis', 'Redis (redis-benchmark)', servers.Redis, 6379, redis_benchmark(1)),
         ('redis', 'Redis, -P 16', servers.Redis, 6379, redis_benchmark(16)), ('dns', 'DNS (dnsperf, unbound)', servers.Unbound, 53, dnsperf)]
ENDED = ('answered', 'no_response', 'reset', 'open', 'oneway', 'lost')


def one(protocol, title, kind, port, load, packetd, data, rounds, say, table, verdict):
    seen = {'nobody': [], 'tcpdump': [], 'packetd': []}
    with kind(port=port) as server:
        load(server, 2)
        for _ in range(rounds):
            for name, rows in seen.items():
                watcher = Watcher(name, packetd, data, port)
                true, rate = load(server, SECONDS)
                cpu, rss, more = watcher.stop()
                rows.append((true, rate, cpu, rss, more))
    rows, worst, dropped, per = [], 1.0, 0, {}
    for name, runs in seen.items():
        rate = statistics.median(r[1] for r in runs)
        per[name] = statistics.median(r[2] / r[0] * 1e6 for r in runs)
        found = '–'
        if name == 'packetd':
            shares = [r[4]['protocols'].get(protocol, {}).get('answered', 0) / r[0] for r in runs]
            worst, found = min(shares), '%.6f' % min(shares)
            dropped = max(r[4]['kernel_dropped'] for r in runs)
            counted = [sum(r[4]['protocols'].get(protocol, {}).get(o, 0) for o in ENDED) - r[0] for r in runs]
        elif name == 'tcpdump':
            found = '%d dropped' % max(r[4] for r in runs)
        rows.append([name, '%.0f' % rate, '%.2f' % per[name], '%.1f' % max(r[3] for r in runs), found])
    say('### Live: %s' % title)
    say()
    table(['watched by', 'requests/s', 'CPU s per million', 'RSS MiB', 'found / true (worst of %d)' % rounds], rows)
    # what the load generator broke off at its end is told as reset or open: those are found, too
    verdict(dropped > 0 or all(c == 0 for c in counted), 'answered %.4f %%, requests told beyond or short of the true number: %s; kernel dropped %d packets'
            % (100 * worst, ', '.join('%+d' % c for c in counted), dropped))
    beyond = per['packetd'] - per['tcpdump']
    verdict(beyond <= 2.0, '%.2f s per million exchanges beyond tcpdump (at most 2)' % beyond)


def many_connections(packetd, data, say, verdict, n=10000):
    """RSS with so many keep-alive connections open, each having asked once."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * n + 1000, 2 * n + 1000))
    with servers.Nginx(port=80, connections=2 * n + 100) as server:
        child = subprocess.Popen([packetd, 'watch', '--ifaces', 'lo', '--ring', '8M', '--quiet'], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(1)
        socks = []
        for _ in range(n):
            s = socket.create_connection((server.address, server.port))
            s.sendall(b'GET /item/1 HTTP/1.1\r\nHost: x\r\n\r\n')
            s.recv(1000)
            socks.append(s)
        time.sleep(1)
        with open('/proc/%d/status' % child.pid, encoding='utf8') as f:
            rss = int(re.search(r'VmRSS:\s+(\d+)', f.read())[1]) / 1024
        child.send_signal(signal.SIGINT)
        child.wait(30)
        for s in socks:
            s.close()
    verdict(rss <= 12 + RING_KIB / 1024, 'live RSS %.1f MiB at %d connections (at most 12 and the ring of 8)' % (rss, n))


def run(packetd, data, rounds, say, table, verdict):
    say('## Live on loopback, ring of 8 MiB')
    say()
    say('Loads of %d s, %d interleaved rounds; rates and CPU are medians.' % (SECONDS, min(rounds, 3)))
    say()
    for protocol, title, kind, port, load in LOADS:
        one(protocol, title, kind, port, load, packetd, data, min(rounds, 3), say, table, verdict)
    many_connections(packetd, data, say, verdict)
