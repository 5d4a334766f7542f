#!/usr/bin/env python3
"""sysbench's statements against MariaDB, read from a capture by packetd and by tshark: found, and CPU.

usage: mysql.py [--transactions N]      as root; mariadb-server, sysbench, tcpdump, tshark, and `make build`. A transaction is 20 statements.
Captures stay in $BENCH_DATA (default: a folder below the system's for temporary files)."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'tests', 'lib'))
sys.path.insert(0, HERE)
import record  # noqa: E402
import servers  # noqa: E402

PACKETD = os.path.join(HERE, '..', 'build', 'packetd')
PORT, ROUNDS = 13399, 5


def capture(path, mode, transactions):
    """-> statements that the server counted"""
    with servers.MariaDB(port=PORT, options=('--general-log=0', '--innodb-buffer-pool-size=64M')) as server:
        options = ['sysbench', '--db-driver=mysql', '--mysql-host=127.0.0.1', '--mysql-port=%d' % PORT, '--mysql-user=u', '--mysql-password=pw', '--mysql-db=d',
                   '--tables=2', '--table-size=5000', '--threads=4', '--events=%d' % transactions, '--time=0', '--db-ps-mode=' + mode, 'oltp_read_write']
        subprocess.run([*options, 'prepare'], check=True, capture_output=True)
        before = questions(server)
        recording = record.Recording(path, 'port %d' % PORT)
        subprocess.run([*options, 'run'], check=True, capture_output=True)
        if recording.stop():
            raise SystemExit('the kernel drops packets: try again')
        return questions(server) - before - 2  # the two that ask


def questions(server):
    """Statements and prepared ones carried out; PREPARE and CLOSE are counted apart."""
    counts = dict(line.split('\t') for line in server.sql("show global status where variable_name in ('Questions')").splitlines())
    return int(counts['Questions'])


def cpu(command):
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--transactions', type=int, default=7000)
    o = parser.parse_args()
    data = os.environ.get('BENCH_DATA') or tempfile.mkdtemp(prefix='packetd-bench-')
    os.makedirs(data, exist_ok=True)
    failed = False
    for mode, title in (('disable', 'text'), ('auto', 'prepared statements')):
        path, ledger = os.path.join(data, 'mysql_%s.pcap' % mode), os.path.join(data, 'ledger.json')
        true = capture(path, mode, o.transactions)
        subprocess.run([PACKETD, 'watch', '--pcap-file', path, '--quiet', '--ledger-json', ledger], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(ledger, encoding='utf8') as f:
            found = json.load(f)['protocols']['mysql']
        ours = statistics.median(cpu([PACKETD, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary']) for _ in range(ROUNDS))
        shark = cpu(['tshark', '-n', '-r', path, '-d', 'tcp.port==%d,mysql' % PORT, '-Y', 'mysql.query', '-T', 'fields', '-e', 'tcp.stream', '-e', 'mysql.query'])
        print('%s: %d statements counted by the server; %d requests, %d answered, %d one-way; packetd %.2f s, tshark %.2f s: %.1f times less' % (
            title, true, found['requests'], found['answered'], found['oneway'], ours, shark, shark / ours))
        failed |= shark < 15 * ours or found['answered'] + found['oneway'] != found['requests']
    sys.exit(failed)


main()
