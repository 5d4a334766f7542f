"""PostgreSQL's drivers, keeping a log of what they asked and got: the truth of recordings and of live tests.

Every exchange of the log has SQL of its own, and where it can a number of rows of its own, so that a wrong pair shows."""

import asyncio
import base64
import contextlib
import hashlib
import io
import os
import socket
import struct
import threading

import asyncpg
import clients
import psycopg
import psycopg2


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
        """`results`: rows, or the code of an error, or None for what is skipped after it. When the driver hears of the error early, it does not
        send the rest."""
        failed, sent, cursors = None, 0, []
        try:
            with self.db.pipeline():
                for sql in statements:
                    sent += 1
                    cursors.append(self.db.execute(sql, ()))
        except psycopg.Error as e:
            failed = e.sqlstate
        assert failed == next((r for r in results if isinstance(r, str)), None)
        assert failed or [c.rowcount for c in cursors] == results
        for sql, result in list(zip(statements, results))[:sent]:
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


def pg_simple(log, server):
    """psycopg2: the simple protocol, with everything it can say; log-ins of every kind; COPY; cancelling."""
    a = Simple(log, server)
    for n in range(1, 31):
        a.rows(n)
    a.ask('create table made (n int)', 0)
    a.ask('create table if not exists made (n int)', 0)
    a.ask("insert into made select generate_series(1, 41)", 41)
    a.ask('select n, repeat(\'x\', 3000) from made where n > 10', 31)
    a.ask('select 1; select generate_series(1, 2); update made set n = n + 1 where n < 8', 10)
    a.ask('select * from nothing', code='42P01')
    a.ask('begin', 0)
    a.ask('select 1/0', code='22012')
    a.ask('select 77', code='25P02')
    a.ask('rollback', 0)
    a.ask('; -- nothing', 0)
    a.copy_in('copy t from stdin', 200)
    a.copy_in('copy t (n) from stdin', 3, bad='22P02')
    a.copy_out('copy t to stdout', 200)
    a.ask('listen news', 0)
    a.ask("notify news, 'hot'", 0)
    b = Simple(log, server, user='carol', password='s3cret', sslmode='prefer', application_name='packetd test')
    b.rows(32)
    b.cancel('select pg_sleep(20) as slept', server)
    b.rows(33)
    d = Simple(log, server, user='dave', password='s3cret')
    d.rows(34)
    refused(log, server, 'carol', 'wrong', '28P01')
    for x in (a, b, d):
        x.close()


def pg_extended(log, server):
    """psycopg and asyncpg: unnamed and prepared statements, portals read in parts, errors, COPY."""
    a = Extended(log, server)
    for n in range(1, 21):
        a.rows(n)
    for n in range(1, 6):
        a.prepared(n)
    a.ask('select * from nothing', code='42P01')
    a.ask('select 1/0', code='22012')
    a.rows(25)
    a.copy_in('copy t from stdin', 12)
    a.copy_out('copy t to stdout', 12)
    a.rows(26)
    a.close()
    asyncpg_talk(log, server)


def pg_pipelined(log, server):
    """psycopg in pipeline mode: batches of many lengths, errors in the middle of them."""
    a = Extended(log, server)
    for batch in (range(1, 3), range(3, 11), range(11, 41)):
        a.pipeline(['select generate_series(1, %d)' % n for n in batch], list(batch))
    a.pipeline(['select generate_series(1, 41)', 'select 1/0 as failed', 'select generate_series(1, 43)'], [41, '22012', None])
    a.rows(44)
    a.pipeline(['insert into t values (45)', 'select nothing', 'select 46', 'select 47'], [1, '42703', None, None])
    a.rows(48)
    a.prepared_pipeline(4)
    a.close()
