"""What metrics, JSON lines and spans cost the agent beyond the bare decoding of the same capture, and that all of them arrive."""

import collections
import http.server
import os
import statistics
import subprocess
import threading

from backend import varint
from report import DATA, PACKETD, ROUNDS, check, measure, say, scaled, table, tool

EXCHANGES = 1_000_000
BASE = 'server: {enabled: false}\ncontroller: {layer4Metrics: {enabled: false}}\n'
LINES = os.path.join(DATA, 'agent.jsonl')


def pipeline(*processors):
    return 'processor: [%s]\npipeline: [{name: all, processors: [%s]}]\n' % (
        ', '.join('{name: %s%s}' % (p, ', config: {defaultLabels: true}' if p == 'roundtripstometrics' else '') for p in processors), ', '.join(processors))


def exporters(url, *wanted, compression='none'):
    sections = {'json': 'roundtrips: {enabled: true, maxSize: 100000, filename: "%s"}' % LINES,
                'spans': 'traces: {enabled: true, batch: 1000, compression: %s, endpoint: "%s/v1/traces"}' % (compression, url),
                'metrics': 'metrics: {enabled: true, interval: 1s, endpoint: "%s/api/v1/write"}' % url}
    return 'exporter: {%s}\n' % ', '.join(sections[w] for w in wanted)


def ways(url):
    return {'bare': BASE + pipeline('roundtripstorecords'),
            'metrics': BASE + pipeline('roundtripstometrics'),
            'JSON lines': BASE + pipeline('roundtripstorecords') + exporters(url, 'json'),
            'spans': BASE + pipeline('roundtripstotraces') + exporters(url, 'spans'),
            'spans, gzip': BASE + pipeline('roundtripstotraces') + exporters(url, 'spans', compression='gzip'),
            'all at once': BASE + pipeline('roundtripstometrics', 'roundtripstotraces', 'roundtripstorecords') + exporters(url, 'json', 'spans', 'metrics')}


def count_spans(body):
    """Of an ExportTraceServiceRequest: fields 1 of 1, then 2, then 2; spans are not looked into."""
    def walk(begin, end, path):
        at = begin
        total = 0
        while at < end:
            tag, at = varint(body, at)
            n, at = varint(body, at)
            if tag >> 3 == path[0]:
                total += walk(at, at + n, path[1:]) if len(path) > 1 else 1
            at += n
        return total
    return walk(0, len(body), (1, 2, 2))


class Receiver:
    """Takes everything; `bodies` keeps it by path when asked to."""

    def __init__(self):
        self.keep, self.bodies = False, collections.defaultdict(list)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                if outer.keep:
                    outer.bodies[self.path].append(count_spans(body) if self.path.endswith('traces') else body)
                self.send_response(200)
                self.send_header('Content-Length', '0')
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = 'http://127.0.0.1:%d' % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def run_agent(config, capture):
    path = os.path.join(DATA, 'agent.yaml')
    with open(path, 'w', encoding='utf8') as f:
        f.write(config)
    if os.path.exists(LINES):
        os.unlink(LINES)
    return measure([PACKETD, 'agent', '--config', path, '--pcap-file', capture])


def metric_total(bodies, n):
    """Whether the last picture of http_requests_total, read with the tests' decoder, says n."""
    from backend import fields, snappy
    import struct
    last = {}
    for body in bodies:
        for series in map(fields, fields(snappy(body))[1]):
            labels = tuple(sorted((fields(kv)[1][0], fields(kv)[2][0]) for kv in series[1]))
            if (b'__name__', b'http_requests_total') in labels:
                sample = fields(series[2][-1])
                last[labels] = struct.unpack('<d', struct.pack('<Q', sample.get(1, [0])[0]))[0]
    return sum(last.values()) == n, int(sum(last.values()))


def nothing_lost(receiver, capture, n):
    receiver.keep = True
    cost = run_agent(ways(receiver.url)['all at once'], capture)
    receiver.keep = False
    spans = sum(receiver.bodies['/v1/traces'])
    with open(LINES, encoding='utf8') as f:
        lines = sum(1 for line in f if line.startswith('{"Proto":"http"'))
    exact, counted = metric_total(receiver.bodies['/api/v1/write'], n)
    receiver.bodies.clear()
    check('Metrics, spans and JSON lines at once: all there', '%d of each' % n, '%d, %d, %d' % (counted, spans, lines), exact and spans == lines == n)
    say('All three at once: %.2f µs of CPU and %.0f MiB at most.' % (cost.cpu / n * 1e6, cost.rss))
    say()


def costs(receiver, capture, n):
    config = ways(receiver.url)
    seen = {name: [] for name in config}
    for _ in range(ROUNDS):
        for name, text in config.items():
            seen[name].append(run_agent(text, capture).cpu / n * 1e6)
    beyond = {name: statistics.median(v - bare for v, bare in zip(values, seen['bare'])) for name, values in seen.items()}
    factor = {name: statistics.median(v / bare for v, bare in zip(values, seen['bare'])) for name, values in seen.items()}
    table(['', 'µs of CPU per exchange', 'beyond bare', '× bare'], [[name, '%.2f' % statistics.median(seen[name]), '%.2f' % beyond[name], '%.2f' % factor[name]] for name in config])
    for name, limit in (('metrics', 0.4), ('JSON lines', 1.5), ('spans', 2.0)):
        check('Agent: %s, CPU per exchange beyond decoding' % name, '≤ %.1f µs' % limit, '%.2f µs' % beyond[name], beyond[name] <= limit)


def run():
    n = scaled(EXCHANGES, 20_000)
    capture = os.path.join(DATA, 'agent_%d.pcap' % n)
    if not os.path.exists(capture):
        with open(capture, 'wb') as f:
            subprocess.run([tool('gencap'), '2000', str(n), '100'], stdout=f, check=True)
    say('## The agent: metrics, spans and JSON lines of %d exchanges' % n)
    say()
    say('A generated capture (bench/gencap.c), read by the agent. Bare: decoded, and nobody interested. JSON lines go to a file, spans and remote write to a local receiver that takes everything.')
    say()
    receiver = Receiver()
    try:
        nothing_lost(receiver, capture, n)
        costs(receiver, capture, n)
    finally:
        receiver.server.shutdown()
        if os.path.exists(LINES):
            os.unlink(LINES)
