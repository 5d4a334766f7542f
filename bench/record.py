"""Big captures for the benchmark: recorded once from real load generators and servers on loopback, then multiplied.

Each function returns (path, exchanges), where the number is the load generator's or the server's own count of answers; a recording in which
the kernel dropped a packet is thrown away. messages.py has more of them."""

import json
import os
import re
import subprocess
import time

import servers
from report import DATA, scaled, tool

COPIES = 10


class Recording:
    """tcpdump around a load; `dropped` afterwards is the kernel's count."""

    def __init__(self, path, expression):
        self.child = subprocess.Popen(['tcpdump', '-Z', 'root', '-n', '-i', 'lo', '-w', path, '-B', '262144', '--time-stamp-precision=nano', expression],
                                      stderr=subprocess.PIPE, text=True)
        self.child.stderr.readline()
        time.sleep(1)

    def stop(self):
        time.sleep(2.5)
        self.child.send_signal(2)
        text = self.child.communicate(timeout=60)[1]
        return int(re.search(r'(\d+) packets dropped by kernel', text)[1])


def make(name, each, port, load):
    """`load()` returns its count of exchanges, recorded as NAME_EACH.pcap. -> (the multiplied capture, its exchanges)
    Where the port is known only afterwards (None), it returns both."""
    small, big, note = (os.path.join(DATA, '%s_%d%s' % (name, each, x)) for x in ('.pcap', '_x.pcap', '.json'))
    if os.path.exists(note) and os.path.exists(big):
        with open(note, encoding='utf8') as f:
            return big, json.load(f)
    for _ in range(5):
        recording = Recording(small, 'port %d' % port if port else 'tcp')
        count, at = load() if port is None else (load(), port)
        if recording.stop() == 0:
            break
    else:
        raise RuntimeError('recording %s: the kernel drops packets' % name)
    with open(big, 'wb') as f:
        subprocess.run([tool('multiply'), small, str(COPIES), str(at)], stdout=f, check=True)
    os.unlink(small)
    with open(note, 'w', encoding='utf8') as f:
        json.dump(count * COPIES, f)
    return big, count * COPIES


def http():
    """ab asks exactly so many times (wrk ends by the clock, with answers under way), over 50 keep-alive connections."""
    each = scaled(50_000, 100)

    def load():
        with servers.Nginx(port=80) as n:
            text = subprocess.run(['ab', '-q', '-k', '-n', str(each), '-c', '50', 'http://127.0.0.1:%d/size/2000' % n.port], capture_output=True, text=True,
                                  check=True).stdout
        if not re.search(r'Failed requests:\s+0\b', text):
            raise RuntimeError('ab: ' + text)
        return int(re.search(r'Complete requests:\s+(\d+)', text)[1])
    return make('http', each, 80, load)


def redis():
    """redis-benchmark, GET and SET; the server's own counter is the truth (it asks a CONFIG GET or two as well)."""
    each = scaled(25_000, 100)

    def load():
        with servers.Redis(port=6379) as r:
            subprocess.run(['redis-benchmark', '-q', '-p', '6379', '-t', 'set,get', '-n', str(each), '-c', '50', '-d', '100', '-r', '1000'], capture_output=True, check=True)
            return r.commands()
    return make('redis', each, 6379, load)


def dns():
    """dnsperf asks a list of 1000 names ten times; what it says it sent, all of it answered."""
    each = scaled(10, 1)

    def load():
        names = os.path.join(DATA, 'names.txt')
        with open(names, 'w', encoding='utf8') as f:
            f.writelines('n%d.test %s\n' % (n % 256, 'A' if n % 3 else 'AAAA') for n in range(1000))
        with servers.Unbound(port=53) as u:
            text = subprocess.run(['dnsperf', '-s', u.address, '-p', '53', '-d', names, '-n', str(each), '-c', '10', '-Q', '20000'], capture_output=True, text=True,
                                  check=True).stdout
        sent, done = (int(re.search(r'Queries %s:\s+(\d+)' % w, text)[1]) for w in ('sent', 'completed'))
        if sent != done:
            raise RuntimeError('dnsperf: ' + text)
        return done
    return make('dns', each, 53, load)
