"""sysbench's statements against MariaDB, as text and prepared: a load for databases.py."""

import subprocess

import servers

PROTOCOL, TITLE, PORT = 'mysql', 'MySQL (sysbench, MariaDB)', 3306
MODES = {'text': 'disable', 'prepared': 'auto'}
PER_TRANSACTION = 20  # statements of oltp_read_write
# What tshark needs to do the same: print each statement; and lines of packetd that are one.
TSHARK = ['-d', 'tcp.port==%d,mysql' % PORT, '-Y', 'mysql.query', '-T', 'fields', '-e', 'tcp.stream', '-e', 'mysql.query']
IS_STATEMENT = (b'"Command":"QUERY"', b'"Command":"EXECUTE"')


def start():
    server = servers.MariaDB(port=PORT, options=('--general-log=0', '--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=0', '--sync-binlog=0'))
    subprocess.run([*command('text', 1), 'prepare'], check=True, capture_output=True)
    return server


def command(mode, transactions):
    return ['sysbench', '--db-driver=mysql', '--mysql-host=127.0.0.1', '--mysql-port=%d' % PORT, '--mysql-user=u', '--mysql-password=pw', '--mysql-db=d', '--tables=2',
            '--table-size=5000', '--threads=4', '--events=%d' % transactions, '--time=0', '--mysql-ignore-errors=all', '--db-ps-mode=' + MODES[mode], 'oltp_read_write']


def load(server, mode, transactions):
    """-> statements that the server counted; it counts PREPARE and CLOSE apart."""
    before = questions(server)
    subprocess.run([*command(mode, transactions), 'run'], check=True, capture_output=True)
    return questions(server) - before - ASKING


ASKING = 6  # the statement that asks, and the QUITs of its client and of sysbench's four


def questions(server):
    return int(server.sql("show global status where variable_name = 'Questions'").split('\t')[1])
