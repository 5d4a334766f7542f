"""Captures of real servers under real load generators, read by packetd and by others."""

import json
import os
import statistics
import subprocess

import messages
import record
from report import DATA, PACKETD, ROUNDS, check, measure, say, table, tool

# What tshark needs to do the same: join requests with responses and print a line for each.
TSHARK = {
    'http': ['-Y', 'http.response', '-T', 'fields', '-e', 'http.request_in', '-e', 'http.response.code', '-e', 'http.response_for.uri'],
    'redis': ['-Y', 'resp && tcp.srcport == 6379', '-T', 'fields', '-e', 'tcp.stream', '-e', 'resp.string', '-e', 'resp.bulk_string.value'],
    'http2': ['-d', 'tcp.port==%d,http2' % messages.HTTP2_PORT, '-Y', 'http2.headers', '-T', 'fields', '-e', 'tcp.stream', '-e', 'http2.streamid',
              '-e', 'http2.headers.path', '-e', 'http2.headers.status'],
    'kafka': ['-Y', 'kafka', '-T', 'fields', '-e', 'tcp.stream', '-e', 'kafka.correlation_id', '-e', 'kafka.request_key', '-e', 'kafka.response_key'],
    'amqp': ['-d', 'tcp.port==%d,amqp' % messages.AMQP_PORT, '-Y', 'amqp', '-T', 'fields', '-e', 'tcp.stream', '-e', 'amqp.channel', '-e', 'amqp.method.class', '-e', 'amqp.method.method'],
    'dns': ['-Y', 'dns.flags.response == 1', '-T', 'fields', '-e', 'dns.qry.name', '-e', 'dns.flags.rcode'],
}


def ledger_of(path):
    """-> cost, ledger"""
    ledger = os.path.join(DATA, 'ledger.json')
    cost = measure([PACKETD, 'watch', '--pcap-file', path, '--quiet', '--ledger-json', ledger])
    with open(ledger, encoding='utf8') as f:
        return cost, json.load(f)


def answered_lines(path):
    with subprocess.Popen([PACKETD, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], stdout=subprocess.PIPE) as child:
        found = sum(1 for line in child.stdout if b'"Outcome":"answered"' in line)
    return found


def rounds_of(commands):
    """name -> costs; all take turns, so that a noisy moment hits all of them."""
    seen = {name: [] for name in commands}
    for n in range(ROUNDS):
        for name, (command, rounds) in commands.items():
            if n < rounds:
                seen[name].append(measure(command))
    return seen


def cpu(costs):
    return statistics.median(c.cpu for c in costs)


def ratio(costs, floor):
    """The median of the ratios round by round; of the medians, where one ran less often."""
    if len(costs) == len(floor):
        return statistics.median(c.cpu / f.cpu for c, f in zip(costs, floor))
    return cpu(costs) / cpu(floor)


def one(protocol, capture, title, loop_factor, tshark_factor):
    """`capture`: path, the number of exchanges that were answered, and where tshark has to be told it, the port. Kafka's and AMQP's have others, too:
    a fetch that waits when its consumer leaves, a message that nobody confirms."""
    path, truth, *port = capture
    dissect = ['-d', 'tcp.port==%d,%s' % (port[0], protocol)] if port else []
    others = protocol in ('kafka', 'amqp')
    with open(path, 'rb') as f:
        while f.read(1 << 24):  # into the page cache
            pass
    _, ledger = ledger_of(path)
    p = ledger['protocols'].get(protocol, {'answered': 0, 'requests': 0})
    lines = answered_lines(path)
    costs = rounds_of({
        'bare libpcap loop': ([tool('pcaploop'), path], ROUNDS),
        'tcpdump -r FILE -w /dev/null': (['tcpdump', '-n', '-r', path, '-w', '/dev/null'], ROUNDS),
        'packetd --quiet': ([PACKETD, 'watch', '--pcap-file', path, '--quiet'], ROUNDS),
        'packetd -o json': ([PACKETD, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], ROUNDS),
        'tshark': (['tshark', '-n', '-r', path, *dissect, *TSHARK[protocol]], 1),
    })
    loop, shark, quiet, printing = costs['bare libpcap loop'], costs['tshark'], costs['packetd --quiet'], costs['packetd -o json']
    say('### %s: %d exchanges, %d MB' % (title, truth, os.path.getsize(path) // 10**6))
    say()
    table(['', 'CPU s', '× loop', 'tshark ÷', 'RSS MiB', 'answered, of %d' % truth], [
        [name, '%.3f' % cpu(c), '%.2f' % ratio(c, loop), '%.1f' % (cpu(shark) / cpu(c)), '%.1f' % max(x.rss for x in c),
         {'packetd --quiet': p['answered'], 'packetd -o json': lines}.get(name, '–')] for name, c in costs.items()])
    check(title + ': exchanges found', '%d' % truth, '%d, and %d JSON lines' % (p['answered'], lines), p['answered'] == lines == truth and (others or p['requests'] == truth))
    if loop_factor:
        check(title + ': CPU × bare loop', '≤ %g' % loop_factor, '%.2f (with JSON %.2f)' % (ratio(quiet, loop), ratio(printing, loop)), ratio(quiet, loop) <= loop_factor)
    check(title + ': tshark ÷ packetd', '≥ %g' % tshark_factor, '%.1f (with JSON %.1f)' % (cpu(shark) / cpu(quiet), cpu(shark) / cpu(printing)),
          cpu(shark) >= tshark_factor * cpu(quiet))


def run():
    say('## From capture files')
    say()
    say('CPU is user + system; medians of %d rounds in which all take turns (tshark: one round). Files are in the page cache, output goes to /dev/null.' % ROUNDS)
    say()
    subprocess.run(['sync'], check=False)
    one('http', record.http(), 'HTTP keep-alive, 2 KB bodies (ab, nginx)', 3.0, 40)
    one('redis', record.redis(), 'Redis (redis-benchmark)', None, 40)
    one('dns', record.dns(), 'DNS over UDP (dnsperf, unbound)', None, 30)
    one('http2', messages.http2(), 'HTTP/2 (h2load, nghttpd)', None, 40)
    one('kafka', messages.kafka(), 'Kafka (librdkafka)', None, 20)
    one('amqp', messages.amqp(), 'AMQP (pika, RabbitMQ)', None, 20)
