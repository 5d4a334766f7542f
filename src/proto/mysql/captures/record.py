#!/usr/bin/env python3
"""Records NAME.pcap from real drivers and NAME.jsonl, what the program makes of it. The drivers are those of tests/integration/mysql, built by its
tests into the cache folder; the server is MariaDB, or for mysql9 the test server of tests/lib/mysql_server.py.

usage: record.py [--json] [NAME]...      as root; --json: only the output, of the captures that are there"""

import contextlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..', '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import mysql_server  # noqa: E402
import mysql_talk  # noqa: E402
import servers as s  # noqa: E402

CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME', os.path.expanduser('~/.cache')), 'packetd-tests')
DRIVE = os.path.join(ROOT, 'tests', 'integration', 'mysql', 'drive.py')
PORT = 13306
JAVA = ['java', '-cp', CACHE + '/mysql-java:' + CACHE + '/mysql-java/lib/*', 'Driver']
PYTHON = [CACHE + '/mysql-python/venv/bin/python', DRIVE]
CLIENT = ['mariadb', '--no-defaults', '-h127.0.0.1', '-P%d' % PORT, '-uu', '-ppw', '--skip-ssl', '--auto-rehash']

DRIVERS = {
    'go': [CACHE + '/mysql-go/driver', 'u:pw@tcp(127.0.0.1:%d)/d' % PORT],
    'go_compressed': [CACHE + '/mysql-go/driver', 'u:pw@tcp(127.0.0.1:%d)/d?interpolateParams=true&compress=true' % PORT],
    'mariadb_java': [*JAVA, 'jdbc:mariadb://127.0.0.1:%d/d?user=u&password=pw&useServerPrepStmts=true&useBulkStmts=true' % PORT],
    'mysql_java': [*JAVA, 'jdbc:mysql://127.0.0.1:%d/d?user=u&password=pw&useServerPrepStmts=true&useCursorFetch=true&sslMode=DISABLED' % PORT],
    'pymysql': ['/usr/bin/python3', DRIVE, 'pymysql', '127.0.0.1', str(PORT)],
    'connector_compressed': [*PYTHON, 'connector', '127.0.0.1', str(PORT), 'compress'],
    'client': [*CLIENT, 'd', '-e', 'select 1; show tables; select * from t; select * from nothing'],
    'encrypted': ['mariadb', '--no-defaults', '-h127.0.0.1', '-P%d' % PORT, '-uu', '-ppw', '--ssl', 'd', '-e', 'select 1'],
    'mysql9': [*PYTHON, 'attributes', '127.0.0.1', str(PORT)],
}


def tls(folder):
    """A key and certificate for the server."""
    key, cert = os.path.join(folder, 'key.pem'), os.path.join(folder, 'cert.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=test'], check=True, capture_output=True)
    return ('--ssl-key=' + key, '--ssl-cert=' + cert)


def record(name):
    path = os.path.join(HERE, name + '.pcap')
    with contextlib.ExitStack() as stack:
        if name == 'mysql9':
            stack.enter_context(mysql_server.MySQL9('127.0.0.1', PORT))
        else:
            more = tls(stack.enter_context(tempfile.TemporaryDirectory())) if name == 'encrypted' else ()
            mysql_talk.setup(stack.enter_context(s.MariaDB('127.0.0.1', PORT, options=more)))
        stack.enter_context(s.Tcpdump(path, 'lo', 'port %d' % PORT))
        subprocess.run(DRIVERS[name], check=False, capture_output=True, timeout=120)


def output(name):
    program = os.environ.get('PACKETD', os.path.join(ROOT, 'build', 'packetd'))
    text = subprocess.run([program, 'watch', '--pcap-file', os.path.join(HERE, name + '.pcap'), '-o', 'json', '--no-summary'], capture_output=True, text=True, check=True,
                          env=dict(os.environ, TZ='UTC')).stdout
    with open(os.path.join(HERE, name + '.jsonl'), 'w', encoding='utf8') as f:
        f.write(text)
    print(name, text.count('\n'), 'lines')


wanted = [a for a in sys.argv[1:] if a != '--json']
for each in wanted or DRIVERS:
    if '--json' not in sys.argv:
        record(each)
    output(each)
