"""What clients say to a MariaDB server in recordings and live tests, with their own log of it."""

import itertools

import mysql_wire as w


class Logged:
    """A client whose exchanges go into the log. Answers differ from each other by rows() and ids(): numbers that come once."""

    def __init__(self, log, server, **more):
        self.log = log
        refused = None
        more = dict(user=server.USER, password=server.PASSWORD, database=server.DATABASE, **more) if 'user' not in more else more
        try:
            self.client = w.Client(server.address, server.port, **more)
        except w.SqlError as e:
            refused = e
        if refused:
            raise refused
        self.conn, self.numbers = self.client.conn, numbers(log)
        log.mysql(self.conn, 'LOGIN')

    def query(self, sql, mark=None, shown=None):
        """`shown`: what it becomes in the output, where that hides something."""
        try:
            r = self.client.query(sql)
            self.log.mysql(self.conn, 'QUERY', shown or sql, rows=r.rows, affected=r.affected, mark=mark)
            return r
        except w.SqlError as e:
            self.log.mysql(self.conn, 'QUERY', shown or sql, code=e.code)
            return None

    def rows(self):
        n = next(self.numbers)
        return self.query('select seq, %d from seq_1_to_%d' % (n, n), ('Response.Packet.Rows', n))

    def ids(self):
        n = next(self.numbers) + 100000
        return self.query('update counter set n = last_insert_id(%d)' % n, ('Response.Packet.LastInsertID', n))

    def plain(self, command, name, payload=b'', statement=''):
        try:
            r = self.client.ask(command, payload)
            affected = getattr(r, 'affected', 0)
            self.log.mysql(self.conn, name, statement, rows=getattr(r, 'rows', 0), affected=affected)
        except w.SqlError as e:
            self.log.mysql(self.conn, name, statement, code=e.code)

    def prepare(self, sql):
        try:
            ident = self.client.ask(w.PREPARE, sql)
            self.log.mysql(self.conn, 'PREPARE', sql)
            return ident
        except w.SqlError as e:
            self.log.mysql(self.conn, 'PREPARE', sql, code=e.code)
            return None

    def execute(self, ident, sql, *values, mark=None, **more):
        try:
            r = self.client.execute(ident, *values, **more)
            self.log.mysql(self.conn, 'EXECUTE', sql, rows=r.rows, affected=r.affected, mark=mark)
            return r
        except w.SqlError as e:
            self.log.mysql(self.conn, 'EXECUTE', sql, code=e.code)
            return None

    def oneway(self, command, name, payload=b'', statement=''):
        self.client.send(command, payload)
        self.log.mysql(self.conn, name, statement, outcome='oneway')

    def prepared_rows(self):
        """A statement of its own, prepared, executed once, closed."""
        n = next(self.numbers)
        sql = 'select seq, %d from seq_1_to_%d where seq > ?' % (n, n)
        ident = self.prepare(sql)
        self.execute(ident, sql, 0, mark=('Response.Packet.Rows', n))
        self.oneway(w.CLOSE, 'CLOSE_STMT', ident.to_bytes(4, 'little'), sql)

    def close(self):
        self.oneway(w.QUIT, 'QUIT')
        self.client.close(False)


def numbers(log):
    """One sequence for all clients of a log, above the numbers of rows that other answers have."""
    if not hasattr(log, 'numbers'):
        log.numbers = itertools.count(20)
    return log.numbers


def setup(server):
    server.sql('use d; create table counter (n bigint); insert into counter values (0); create table t (id int auto_increment primary key, a varchar(100), b blob);\n'
               'delimiter //\ncreate procedure p() begin select 1; select seq from seq_1_to_3; update counter set n = n + 1; end//\n')


def turns(a, b, rounds):
    for n in range(rounds):
        a.rows()
        b.ids()
        if n % 3 == 0:
            b.rows()
            a.ids()
        if n % 4 == 1:
            a.prepared_rows()
        if n % 4 == 2:
            b.query('select * from nothing_%d' % next(b.numbers))


def plain(log, server):
    """Two clients that know EOF packets, in turn."""
    setup(server)
    a, b = Logged(log, server), Logged(log, server)
    turns(a, b, 10)
    a.query("select repeat('x', 20000)")
    a.rows()
    a.plain(w.PING, 'PING')
    a.ids()
    a.close()
    b.close()


def everything(log, server, **more):
    """Every command once, and every form of answer."""
    a = Logged(log, server, **more)
    a.query("insert into t (a, b) values ('', null), ('x', 'y')")
    a.query('select a, b from t')
    a.query('select 1; update counter set n = 1; select 2, 3 union select 4, 5')
    a.query('call p()')
    a.query('selec 1')
    a.query("create user w identified by 'hush'", shown="create user w identified by '***'")
    a.query('drop user w')
    a.plain(w.INIT_DB, 'INIT_DB', b'mysql', 'mysql')
    a.plain(w.INIT_DB, 'INIT_DB', b'nodb', 'nodb')
    a.query('use d')
    a.plain(w.STATISTICS, 'STATISTICS')
    a.plain(w.PING, 'PING')
    a.client.files['f'] = [b'one\n', b'two\nthree\n']
    a.query("load data local infile 'f' into table t (a)")
    sql = 'select id, a from t where id < ? and a <> ?'
    ident = a.prepare(sql)
    a.execute(ident, sql, 100, 'none')
    a.execute(ident, sql, 4, 'none', types=False)
    a.execute(ident, sql, 100, 'none', flags=1)
    for _ in range(2):
        r = a.client.ask(w.FETCH, ident.to_bytes(4, 'little') + (3).to_bytes(4, 'little'))
        a.log.mysql(a.conn, 'FETCH_STMT', sql, rows=r.rows)
    a.plain(w.RESET, 'RESET_STMT', ident.to_bytes(4, 'little'), sql)
    a.oneway(w.LONG_DATA, 'SEND_LONG_DATA', ident.to_bytes(4, 'little') + b'\1\0some text', sql)
    a.oneway(w.CLOSE, 'CLOSE_STMT', ident.to_bytes(4, 'little'), sql)
    a.prepare('selec ?')
    a.plain(w.RESET_CONNECTION, 'RESET_CONNECTION')
    a.plain(27, 'SET_OPTION', b'\1\0', '1')
    a.plain(12, 'KILL', (9999999).to_bytes(4, 'little'), '9999999')
    a.plain(10, 'PROCESS')
    a.plain(0x50, '')
    a.close()


def pipelined(log, server, depth, **more):
    """Several statements before the first answer is read."""
    a = Logged(log, server, **more)
    for _ in range(3):
        asked = []
        for _ in range(depth):
            n = next(a.numbers)
            asked.append(('select seq, %d from seq_1_to_%d' % (n, n), n))
            a.client.send(w.QUERY, asked[-1][0])
        for sql, n in asked:
            r = a.client.answer()
            log.mysql(a.conn, 'QUERY', sql, rows=r.rows, mark=('Response.Packet.Rows', n))
    a.close()


def modern(log, server):
    """Clients without EOF packets; every command; statements sent ahead of the answers; a refused log-in."""
    setup(server)
    flags = w.DEPRECATE_EOF | w.SESSION_TRACK
    a, b = Logged(log, server, caps=flags), Logged(log, server, caps=flags)
    turns(a, b, 6)
    a.close()
    b.close()
    everything(log, server, caps=flags)
    everything(log, server)
    pipelined(log, server, 3, caps=flags)


def compressed(log, server):
    setup(server)
    a, b = Logged(log, server, compress=w.ZLIB), Logged(log, server, compress=w.ZLIB, caps=w.DEPRECATE_EOF)
    turns(a, b, 6)
    a.query("select repeat('x', 200000)")
    a.query("select '%s'" % ('y' * 600))
    a.rows()
    a.close()
    b.close()
    everything(log, server, compress=w.ZLIB)
