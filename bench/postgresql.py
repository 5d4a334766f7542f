"""pgbench's statements, simple and prepared, against PostgreSQL: a load for databases.py."""

import os
import re
import subprocess

import postgres

PROTOCOL, TITLE, PORT = 'postgresql', 'PostgreSQL (pgbench)', 5432
MODES = {'simple': 'simple', 'prepared': 'prepared'}
PER_TRANSACTION = 7  # statements of its TPC-B
TSHARK = ['-d', 'tcp.port==%d,pgsql' % PORT, '-Y', 'pgsql', '-T', 'fields', '-e', 'tcp.stream', '-e', 'pgsql.type', '-e', 'pgsql.query', '-e', 'pgsql.tag']
IS_STATEMENT = (b'"Kind":"query"', b'"Kind":"execute"')
QUIET = 'log_statement = none\nsynchronous_commit = off\n'
OWN = 2  # pgbench asks for partitions and the scale before it begins


def start():
    server = postgres.Postgres(port=PORT, extra=QUIET)
    server.run(os.path.join(postgres.BIN, 'pgbench'), '-i', '-q', '-s', '4', '-h', server.dir, '-p', str(PORT), '-U', 'postgres', 'shop')
    return server


def load(server, mode, transactions):
    """-> statements by pgbench's count of its transactions (pg_stat_statements leaves out BEGIN and END when they are prepared)."""
    clients = 4
    done = subprocess.run(['pgbench', '-n', '-M', MODES[mode], '-c', str(clients), '-t', str(-(-transactions // clients)), '-h', '127.0.0.1', '-p', str(PORT), '-U', 'alice', 'shop'],
                   check=True, capture_output=True, text=True)
    return PER_TRANSACTION * int(re.search(r'actually processed: (\d+)', done.stdout)[1]) + OWN
