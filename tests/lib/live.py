"""Runs the program on live traffic, and compares what it reports with what servers counted and clients know."""

import collections
import json
import os
import signal
import time

import observe
import truth
from child import Child
from servers import wait_for

NET_RAW = 1 << 13


class Live(Child):
    """packetd watch in a network namespace (None: here), from the moment it captures until stop()."""

    def __init__(self, *options, namespace=None, ifaces='any', program=observe.PACKETD, prefix=(), out='json', **more):
        enter = ['ip', 'netns', 'exec', namespace] if namespace else []
        super().__init__('live', 0o777, [*enter, *prefix, program, 'watch', '-i', ifaces, '-o', out], **more)
        self.options = options
        self.command += ['--ledger-json', self.path('ledger'), *options]
        if os.environ.get('PACKETD_RING') is None and '--ring' not in options:
            self.command += ['--ring', '64M']
        self.start()
        try:
            wait_for(self.captures, 'packetd')
        except RuntimeError:
            self.kill()
            raise

    def status(self, field):
        with open('/proc/%d/status' % self.child.pid, encoding='utf8') as f:
            return dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)[field].strip()

    def captures(self):
        """It gives its rights up when the last socket is open, and not before."""
        if self.child.poll() is not None:
            raise RuntimeError('packetd ended with %d: %s' % (self.child.returncode, self.text('err')))
        with open('/proc/%d/comm' % self.child.pid, encoding='utf8') as f:
            ours = f.read().startswith('packetd')
        return ours and int(self.status('CapEff'), 16) in (0, NET_RAW)

    def lines(self):
        """What has come out so far."""
        text = self.text('out')
        return [json.loads(line) for line in text[:text.rfind('\n') + 1].splitlines()]

    def until(self, check, seconds=20):
        """Waits until check(lines) is true."""
        end = time.monotonic() + seconds
        while not check(self.lines()):
            assert time.monotonic() < end, self.text('out')[-3000:] + self.text('err')[-1000:]
            time.sleep(0.05)

    def reported(self, n):
        """Waits until so many lines have come out."""
        wait_for(lambda: self.text('out').count('\n') >= n, '%d lines' % n, 30)

    def stop(self, sig=signal.SIGINT):
        """-> observe.Run; fails when it does not end well or the sums do not hold."""
        self.child.send_signal(sig)
        return self.ended()

    def ended(self):
        try:
            code = self.child.wait(observe.TIMEOUT)
            err = self.text('err')
            self.ended_well(0, code, err)
            with open(self.path('ledger'), encoding='utf8') as f:
                ledger = json.load(f)
            out = self.text('out')
            assert not out or out.endswith('\n')
            roundtrips = [json.loads(line) for line in out.splitlines()]
            filtered = any(o in ('--filter', '--count', '-n', '--quiet', '-q') for o in self.options)
            observe.check_ledger(ledger, None if filtered else roundtrips)
            return observe.Run(roundtrips, ledger, err)
        finally:
            self.kill()


def dropped(run):
    return run.ledger['kernel_dropped']


def compare(run, want, got, what, named=None, each=1):
    """Two Counters: nothing that did not happen, nothing twice. What is missing must be named: reported with another outcome (`named`), or in
    packets that the ledger says the kernel dropped, each of which holds `each` exchanges at the most."""
    extra, missing = got - want, want - got
    assert not extra, '%s: %d that nobody knows of: %s\nmissing: %s' % (what, sum(extra.values()), list(extra.items())[:4], list(missing.items())[:4])
    unnamed = missing - (named or collections.Counter())
    assert not missing or dropped(run) and sum(unnamed.values()) <= dropped(run) * each, '%s: %d of %d not reported, %d not named, the kernel dropped %d packets: %s\n%s' % (
        what, sum(missing.values()), sum(want.values()), sum(unnamed.values()), dropped(run), list(missing.items())[:4], run.stderr[-1500:])


def clients_log(run, log):
    """What the clients know. A loss is only forgiven when the kernel told of it, a wrong pair never."""
    missing, extra = truth.difference(run.roundtrips, log.exchanges)
    if dropped(run) and len(missing) <= dropped(run) and not [r for r in extra if '-> answered' in r]:
        return
    truth.assert_exact(run.roundtrips, log.exchanges, run.stderr[-1500:])


def http_answered(run):
    """(client, method, URL, status, size of the body or None) of each."""
    for r in run.roundtrips:
        if r['Proto'] == 'http' and r['Outcome'] == 'answered':
            q, a = r['Request'], r['Response']
            yield truth.client(r), q['Method'], q['URL'], a['StatusCode'], None if a['Chunked'] else a['Size']


def access_log(run, nginx, expected=None):
    """The server's own log against what is reported: method, URL, status, size, on which connection, in which order."""
    entries = []

    def complete():
        entries.extend(nginx.logged())
        return expected is None or len(entries) >= expected
    wait_for(complete, 'the access log')
    want = [e[:5] for e in entries if e[5]]
    got = list(http_answered(run))
    compare(run, collections.Counter(want), collections.Counter(got), 'access log')
    if not dropped(run):
        for kind in (want, got):
            kind.sort(key=lambda e: e[0])  # stable: within a connection the order stays
        assert [e[:3] for e in want] == [e[:3] for e in got]
    return len(want)


def redis_calls(run, before, after, forgiven=(), each=1):
    """Commands by name, as the server counted them; a packet holds `each` of them at the most."""
    def commands(*outcomes):
        return collections.Counter(r['Request']['Command'] for r in run.roundtrips if r['Proto'] == 'redis' and r['Outcome'] in outcomes)
    want, got = +(after - before), commands('answered', 'oneway')
    for name in forgiven:
        want.pop(name, None)
        got.pop(name, None)
    compare(run, want, got, 'commandstats', commands('lost', 'open'), each)
    return sum(want.values())


def dns_counts(run, before, after):
    """Queries by transport, type and return code, as the server counted them."""
    delta = after - before
    answered = [r for r in run.roundtrips if r['Proto'] == 'dns' and r['Outcome'] == 'answered']
    want = +collections.Counter({'queries': delta['total.num.queries'], 'tcp': delta['num.query.tcp'], 'ipv6': delta['num.query.ipv6'],
                                 **{k.split('.')[-1]: v for k, v in delta.items() if k.startswith(('num.query.type.', 'num.answer.rcode.'))}})
    got = collections.Counter(queries=len(answered))
    for r in answered:
        message = r['Request']['Message']
        got['tcp'] += r['Request']['Transport'] == 'tcp'
        got['ipv6'] += ':' in r['Request']['Host']
        got[message['QuestionSec']['Type']] += 1
        got[truth.RCODES[truth.at(r, 'Response.Message.Header.Rcode') or 0]] += 1
    want.pop('nodata', None)
    compare(run, want, +got, 'statistics of unbound')
    return delta['total.num.queries']
