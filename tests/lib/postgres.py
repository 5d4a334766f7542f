"""A real PostgreSQL for recordings and live tests, and clients that keep a log of what they asked and got.

Every exchange of the log has SQL of its own, and where it can a number of rows of its own, so that a wrong pair shows."""

import asyncio
import base64
import contextlib
import glob
import hashlib
import io
import os
import re
import shutil
import socket
import struct
import subprocess
import threading

import asyncpg
import clients
import psycopg
import psycopg2
import servers

BIN = next(iter(sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=lambda d: -int(d.split('/')[4]))), '')
AS_USER = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] if os.geteuid() == 0 else []

CONF = '''
listen_addresses = '{address}'
port = {port}
unix_socket_directories = '{dir}'
fsync = off
ssl = {ssl}
ssl_cert_file = '/etc/ssl/certs/ssl-cert-snakeoil.pem'
ssl_key_file = '/etc/ssl/private/ssl-cert-snakeoil.key'
log_statement = 'all'
log_line_prefix = '%r '
log_min_messages = log
log_min_error_statement = panic
logging_collector = off
max_connections = 60
wal_level = logical
max_wal_senders = 4
shared_buffers = 16MB
autovacuum = off
{extra}
'''


def available():
    return bool(BIN) and os.geteuid() == 0 and shutil.which('setpriv') and _has_user()


def _has_user():
    return subprocess.run(['id', 'postgres'], capture_output=True, check=False).returncode == 0


class Postgres(servers.Server):
    """Database `shop`; users `alice` (no password), `carol` (scram, password "s3cret"), `dave` (md5, "s3cret"), `repl` (replication)."""

    def __init__(self, address='127.0.0.1', port=15432, namespace=None, ssl=False, extra=''):
        super().__init__(namespace)
        self.address, self.port, self.data = address, port, os.path.join(self.dir, 'data')
        shutil.chown(self.dir, 'postgres')
        self.run(os.path.join(BIN, 'initdb'), '-D', self.data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C')
        self.write('postgresql.conf', CONF.format(address=address, port=port, dir=self.dir, ssl='on' if ssl else 'off', extra=extra))
        self.write('pg_hba.conf', 'local all all trust\nhost all carol all scram-sha-256\nhost all dave all md5\nhost all all all trust\nhost replication all all trust\n')
        self.start(AS_USER + [os.path.join(BIN, 'postgres'), '-D', self.data], self.ready)
        self.sql("create database shop")
        self.sql("create user alice superuser; create user carol password 's3cret'; set password_encryption = 'md5'; create user dave password 's3cret'; "
                 "create user repl replication superuser")
        self.sql('create table items (id int primary key, name text); create table t (n int, s text)', 'shop')

    def run(self, *command):
        done = subprocess.run(AS_USER + list(command), capture_output=True, text=True, cwd=self.dir, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, 'w', encoding='utf8') as f:
            f.write(text)

    def ready(self):
        return subprocess.run([os.path.join(BIN, 'pg_isready'), '-q', '-h', self.dir, '-p', str(self.port)], check=False).returncode == 0

    def sql(self, text, database='postgres'):
        """Over its own socket, which no capture shows."""
        return self.run(os.path.join(BIN, 'psql'), '-X', '-q', '-At', '-h', self.dir, '-p', str(self.port), '-U', 'postgres', '-d', database, '-c', text)

    def statements(self):
        """What it has logged as carried out over the network: (client port, how, text)."""
        with open(os.path.join(self.dir, 'log'), encoding='utf8', errors='replace') as f:
            text = f.read()
        found = re.findall(r'^(?:[\d.]+|::1)\((\d+)\) LOG:  (statement|execute [^:]*): (.*(?:\n\t.*)*)', text, re.M)
        return [(int(port), how, re.sub(r'\n\t', '\n', sql)) for port, how, sql in found]

    def dsn(self, user='alice', **more):
        return ' '.join("%s='%s'" % kv for kv in dict(dict(host=self.address, port=self.port, user=user, dbname='shop', sslmode='disable'), **more).items())

    def close(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(2)  # fast shutdown
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                pass
        super().close()


def local(fd):
    """ADDRESS:PORT of this side of a connection."""
    with socket.socket(fileno=os.dup(fd)) as s:
        return clients.local(s)


class Client:
    """What the connections below share: the log."""

    KIND = 'query'

    def __init__(self, log, conn):
        self.log, self.conn = log, conn
        self.add(None, 'startup', 0)

    def add(self, sql, kind, rows=None, code=None, outcome='answered'):
        request = {'kind': kind}
        if sql is not None:
            request['sql'] = sql
        response = {k: v for k, v in (('rows', rows), ('code', code)) if v is not None} if outcome == 'answered' else None
        e = {'protocol': 'postgresql', 'conn': self.conn, 'request': request, 'response': response, 'outcome': outcome}
        self.log.exchanges.append(e)
        return e

    def mark(self, e):
        """SQL and rows are like no other's."""
        sql = e['request']['sql']
        e['mark'] = {'request': {'Request.Packet.Kind': e['request']['kind'], 'Request.Packet.Statement': sql}}
        if e['response'] and 'rows' in e['response']:
            e['mark']['response'] = {'Request.Packet.Statement': sql, 'Response.Packet.Rows': e['response']['rows']}

    def rows(self, n):
        sql = 'select generate_series(1, %d)' % n
        self.mark(self.run(sql, n))


class Simple(Client):
    """psycopg2: everything goes as a simple query."""

    def __init__(self, log, server, user='alice', **more):
        self.db = psycopg2.connect(server.dsn(user, **more))
        self.db.autocommit = True
        super().__init__(log, local(self.db.fileno()))

    def run(self, sql, rows=None, code=None):
        got = None
        with self.db.cursor() as cursor:
            try:
                cursor.execute(sql)
            except psycopg2.Error as e:
                got = e.pgcode
        assert got == code, (sql, got)
        return self.add(sql, 'query', rows, code)

    def ask(self, sql, rows=None, code=None):
        self.run(sql, rows, code)

    def copy_in(self, sql, n, bad=None):
        data = io.StringIO(''.join('%d\trow %d\n' % (i, i) for i in range(n)))
        got = None
        with self.db.cursor() as cursor:
            try:
                cursor.copy_expert(sql, data)
            except psycopg2.Error as e:
                got = e.pgcode
        self.add(sql, 'copy_in', None if got else n, got)

    def copy_out(self, sql, n):
        with self.db.cursor() as cursor:
            out = io.StringIO()
            cursor.copy_expert(sql, out)
        assert out.getvalue().count('\n') == n
        self.add(sql, 'copy_out', n)

    def cancel(self, sql, server):
        timer = threading.Timer(0.03, self.db.cancel)
        timer.start()
        self.run(sql, code='57014')
        timer.join()
        self.log.exchanges.append({'protocol': 'postgresql', 'request': {'kind': 'cancel'}, 'response': None, 'outcome': 'oneway'})

    def close(self):
        self.db.close()


def refused(log, server, user, password, code):
    """A log-in with a wrong password, from a port that is known."""
    with socket.socket() as s:
        s.connect((server.address, server.port))
        conn = clients.local(s)
        body = struct.pack('>I', 196608) + b'user\0%s\0database\0shop\0\0' % user.encode()
        s.sendall(struct.pack('>I', len(body) + 4) + body)
        s.recv(4096)
        first = b'SCRAM-SHA-256\0' + struct.pack('>I', 22) + b'n,,n=*,r=0123456789abc'
        s.sendall(b'p' + struct.pack('>I', len(first) + 4) + first)
        nonce, salt, rounds = (f[2:] for f in s.recv(4096)[9:].split(b',')[:3])
        last = b'c=biws,r=' + nonce + b',p=' + base64.b64encode(hashlib.sha256(salt + rounds + password.encode()).digest())
        s.sendall(b'p' + struct.pack('>I', len(last) + 4) + last)
        said = s.recv(4096)
        assert code.encode() in said, said
    log.exchanges.append({'protocol': 'postgresql', 'conn': conn, 'request': {'kind': 'startup'}, 'response': {'code': code}, 'outcome': 'answered'})


class Extended(Client):
    """psycopg: the extended protocol, alone and in pipelines."""

    def __init__(self, log, server, user='alice', **more):
        self.db = psycopg.connect(server.dsn(user, **more), autocommit=True, prepare_threshold=1000)
        super().__init__(log, local(self.db.fileno()))

    def run(self, sql, rows=None, code=None):
        got = None
        try:
            self.db.execute(sql, binary=True)
        except psycopg.Error as e:
            got = e.sqlstate
        assert got == code, (sql, got)
        return self.add(sql, 'execute', rows, code)

    def ask(self, sql, rows=None, code=None):
        self.run(sql, rows, code)

    def prepared(self, n):
        sql = 'select generate_series(1, $1::int) as prepared'
        self.db.execute(sql.replace('$1', '%s'), (n,), prepare=True)
        if n == 1:
            self.add(sql, 'prepare')
        self.add(sql, 'execute', n)

    def pipeline(self, statements, results):
        """`results`: rows, or the code of an error, or None for what is skipped after it."""
        failed = None
        try:
            with self.db.pipeline():
                cursors = [self.db.execute(sql, ()) for sql in statements]
        except psycopg.Error as e:
            failed = e.sqlstate
        assert failed == next((r for r in results if isinstance(r, str)), None)
        assert failed or [c.rowcount for c in cursors] == results
        for sql, result in zip(statements, results):
            if result is None:
                self.add(sql, 'execute', outcome='no_response')
            elif isinstance(result, str):
                self.add(sql, 'execute', code=result)
            elif 'generate_series' in sql:
                self.mark(self.add(sql, 'execute', result))
            else:
                self.add(sql, 'execute', result)

    def prepared_pipeline(self, count):
        sql = 'select generate_series(1, $1::int) as in_pipeline'
        with self.db.pipeline():
            for n in range(count):
                self.db.execute(sql.replace('$1', '%s'), (n,), prepare=True)
        for n in range(count):
            self.add(sql, 'execute', n)

    def copy_in(self, sql, n):
        with self.db.cursor() as cursor, cursor.copy(sql) as copy:
            for i in range(n):
                copy.write_row((i, 'row %d' % i))
        self.add(sql, 'copy_in', n)

    def copy_out(self, sql, n):
        with self.db.cursor() as cursor, cursor.copy(sql) as copy:
            assert sum(1 for _ in copy.rows()) == n
        self.add(sql, 'copy_out', n)

    def close(self):
        self.db.close()


def asyncpg_talk(log, server):
    """asyncpg prepares by Parse, Describe, Flush, and reads portals in parts."""
    async def talk():
        db = await asyncpg.connect(host=server.address, port=server.port, user='alice', database='shop', ssl=False)
        c = Client(log, '%s:%d' % db._transport.get_extra_info('sockname')[:2])
        for n in range(51, 61):
            sql = 'select generate_series(1, %d)' % n
            assert len(await db.fetch(sql)) == n
            c.add(sql, 'prepare')
            c.mark(c.add(sql, 'execute', n))
        sql = 'select generate_series(1, $1::int) as again'
        c.add(sql, 'prepare')
        for n in range(5):
            await db.fetch(sql, n)
            c.add(sql, 'execute', n)
        sql = 'insert into t values ($1, $2)'
        await db.executemany(sql, [(n, 'many') for n in range(15)])
        c.add(sql, 'prepare')
        for _ in range(15):
            c.add(sql, 'execute', 1)
        with contextlib.suppress(asyncpg.PostgresError):
            await db.fetch('select 1 / $1::int', 0)
        c.add('select 1 / $1::int', 'prepare')
        c.add('select 1 / $1::int', 'execute', code='22012')
        with contextlib.suppress(asyncpg.PostgresError):
            await db.fetch('select from where')
        c.add('select from where', 'prepare', code='42601')
        await db.execute('select 1; select generate_series(1, 61)')
        c.add('select 1; select generate_series(1, 61)', 'query', 62)
        await db.close()
    asyncio.run(talk())
