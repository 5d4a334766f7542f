"""A real server under load on loopback, watched by packetd, by tcpdump with the same ring, or by nobody. Truth: what the server or
the load generator counted, and how many packets the interface says it carried."""

import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import time

import messages
import servers
from report import DATA, PACKETD, ROUNDS, SCALE, Cost, check, say, scaled, table, tool

RING_MIB = 8
SECONDS = max(1, round(int(os.environ.get('LIVE_SECONDS', '6')) * min(1, SCALE * 2)))


def carried():
    """Packets the loopback interface has carried (in this network namespace: sysfs may show another)."""
    with open('/proc/self/net/dev', encoding='ascii') as f:
        return int(re.search(r'lo:\s*\d+\s+(\d+)', f.read())[1])


class Watcher:
    """A program that captures meanwhile."""

    def __init__(self, kind, port):
        self.kind, self.ledger, self.child = kind, os.path.join(DATA, 'live.json'), None
        self.command = {'packetd': [PACKETD, 'watch', '--ifaces', 'lo', '--ring', '%dM' % RING_MIB, '--quiet', '--ledger-json', self.ledger],
                        'tcpdump': ['tcpdump', '-Z', 'root', '-n', '-i', 'lo', '-w', '/dev/null', '-B', str(RING_MIB * 1024), 'port %d' % port]}.get(kind)
        self.before = carried()
        if self.command:
            self.child = subprocess.Popen([tool('measure'), *self.command], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            time.sleep(1)

    def stop(self):
        """-> Cost or None; for packetd its ledger, and how many packets went by that it neither saw nor counted as dropped."""
        if not self.child:
            return None, None, 0
        time.sleep(1)
        passed = carried() - self.before
        self.child.send_signal(signal.SIGINT)
        cost = Cost(self.child.communicate(timeout=60)[1], self.command)
        if self.kind == 'tcpdump':
            return cost, {'protocols': {}, 'kernel_dropped': int(re.search(r'(\d+) packets dropped', cost.error)[1])}, 0
        with open(self.ledger, encoding='utf8') as f:
            ledger = json.load(f)
        return cost, ledger, passed - ledger['packets'] - ledger['kernel_dropped']


def wrk(server, seconds):
    before = server.requests()
    text = subprocess.run(['wrk', '-t1', '-c50', '-d%ds' % seconds, 'http://127.0.0.1:%d/size/2000' % server.port], capture_output=True, text=True, check=True).stdout
    time.sleep(0.2)
    asked = server.requests() - before
    return asked, float(re.search(r'Requests/sec:\s+(\S+)', text)[1])


def redis_benchmark(pipeline):
    def load(server, seconds):
        before, began = server.commands(), time.monotonic()
        n = {1: 60_000, 16: 400_000}[pipeline] * seconds
        subprocess.run(['redis-benchmark', '-q', '-p', str(server.port), '-t', 'set,get', '-n', str(n // 2), '-c', '50', '-d', '100', '-P', str(pipeline)],
                       capture_output=True, check=True)
        took = time.monotonic() - began
        return server.commands() - before, n / took
    return load


def dnsperf(server, seconds):
    names = os.path.join(server.dir, 'names')
    with open(names, 'w', encoding='utf8') as f:
        f.writelines('n%d.test A\n' % n for n in range(256))
    text = subprocess.run(['dnsperf', '-s', server.address, '-p', str(server.port), '-d', names, '-l', str(seconds), '-c', '10', '-q', '100'],
                          capture_output=True, text=True, check=True).stdout
    return int(re.search(r'Queries sent:\s+(\d+)', text)[1]), float(re.search(r'Queries per second:\s+(\S+)', text)[1])


def h2load(_, seconds):
    return messages.h2load(80_000 * seconds)


LOADS = [('http', 'HTTP (wrk, nginx, 2 KB)', servers.Nginx, 80, wrk), ('redis', 'Redis (redis-benchmark)', servers.Redis, 6379, redis_benchmark(1)),
         ('redis', 'Redis, -P 16', servers.Redis, 6379, redis_benchmark(16)), ('dns', 'DNS (dnsperf, unbound)', servers.Unbound, 53, dnsperf),
         ('http2', 'HTTP/2 (h2load, nghttpd)', messages.Nghttpd, messages.HTTP2_PORT, h2load)]


class Run:
    """One load under one watcher."""

    def __init__(self, protocol, true, rate, watched):
        self.true, self.rate = true, rate
        self.cost, ledger, self.unaccounted = watched
        self.per_million = self.cost.cpu / true * 1e6 if self.cost else 0
        self.rss = self.cost.rss if self.cost else 0
        if not ledger:
            return
        p = ledger['protocols'].get(protocol, {})
        self.dropped = ledger['kernel_dropped']
        # what the load generator broke off at its end is told as reset or open: that is found, too
        self.told, self.answered = p.get('requests', 0), p.get('answered', 0)
        self.exact = self.unaccounted == 0 and (self.dropped > 0 or self.told == true)


def found(name, runs):
    if name == 'nobody':
        return '–'
    if name == 'tcpdump':
        return '%d packets dropped' % sum(r.dropped for r in runs)
    return '; '.join('%d of %d%s' % (r.told, r.true, ', %d packets dropped' % r.dropped if r.dropped else '') for r in runs)


def one(protocol, title, kind, port, load):
    seen = {'nobody': [], 'tcpdump': [], 'packetd': []}
    with kind(port=port) as server:
        load(server, 1)
        for n in range(min(ROUNDS, 3)):
            for name in list(seen)[n % 3:] + list(seen)[:n % 3]:
                watcher = Watcher(name, port)
                true, rate = load(server, SECONDS)
                seen[name].append(Run(protocol, true, rate, watcher.stop()))
    runs = seen['packetd']
    rows = [[name, '%.0f' % statistics.median(r.rate for r in s), '%.2f' % statistics.median(r.per_million for r in s), '%.1f' % max(r.rss for r in s),
             found(name, s)] for name, s in seen.items()]
    say('### ' + title)
    say()
    table(['watched by', 'requests/s', 'CPU s per million', 'peak RSS MiB', 'requests told, of those the server had'], rows)
    if any(r.dropped for r in runs):
        measured = 'answered %.4f %%, kernel dropped %d packets, unaccounted %d' % (100 * min(r.answered / r.true for r in runs), max(r.dropped for r in runs),
                                                                                 max((r.unaccounted for r in runs), key=abs))
    else:
        measured = 'told %s, unaccounted packets %s' % (', '.join('%+d' % (r.told - r.true) for r in runs), ', '.join(str(r.unaccounted) for r in runs))
    check('Live ' + title + ': all of them, or the drops named', '100 %, or packets seen + dropped = packets carried', measured, all(r.exact for r in runs))
    beyond = statistics.median(p.per_million - t.per_million for p, t in zip(runs, seen['tcpdump']))
    check('Live ' + title + ': CPU beyond tcpdump', '≤ 2 s per million', '%.2f s' % beyond, beyond <= 2.0)


def many_connections(n):
    """RSS with so many keep-alive connections open, each having asked once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < n + 200:
        n = hard - 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 200), hard))
    with servers.Nginx(port=80, connections=n + 50) as server:
        child = subprocess.Popen([PACKETD, 'watch', '--ifaces', 'lo', '--ring', '%dM' % RING_MIB, '--quiet'], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
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
    check('Live RSS at %d connections, with the ring' % n, '≤ 12 MiB + ring of %d' % RING_MIB, '%.1f MiB' % rss, rss <= 12 + RING_MIB)


def run():
    say('## Live on loopback, ring of %d MiB' % RING_MIB)
    say()
    say('Loads of %d s, %d rounds in which all take turns; rates and CPU are medians. The load generator and the server saturate the CPUs there are.' % (SECONDS, min(ROUNDS, 3)))
    say()
    for load in LOADS:
        one(*load)
    many_connections(scaled(10_000, 1000))
