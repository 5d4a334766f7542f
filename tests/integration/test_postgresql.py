"""PostgreSQL's own tools and the drivers of four languages, live: what the server logs as carried out is reported, each once."""

import collections
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading

import clients as c
import live
import pytest
import servers as s
import truth
from made import CACHE

postgres = pytest.importorskip('postgres')
HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = os.path.join(HERE, 'drivers')
JDBC = '/usr/share/java/postgresql.jar'

pytestmark = pytest.mark.skipif(not postgres.available(), reason='needs root, postgresql, and a user postgres')


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pgl%d' % (os.getpid() % 100000)) as network:
        yield network


@pytest.fixture(scope='module')
def server(net):
    with postgres.Postgres('127.0.0.1', 5432, net.name) as running:
        yield running


def norm(sql):
    return re.sub(r'\s+', ' ', sql).strip()


class Watched:
    """A live run, and what the server logs meanwhile."""

    def __init__(self, net, server, *options):
        self.net, self.server = net, server
        self.since = server.logged()
        self.live = live.Live('--statement-length', 16000, *options, namespace=net.name, ifaces='lo')
        self.run = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        if kind:
            self.live.kill()
        else:
            self.run = self.live.stop()

    def command(self, *command, check=True, env=None, stdin=None):
        done = subprocess.run(['ip', 'netns', 'exec', self.net.name, *command], capture_output=True, text=True, timeout=120, check=False,
                              env=dict(os.environ, **(env or {})), input=stdin)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def assert_as_logged(self, least):
        """Statements by connection and text; those that fail before they are carried out are not in the log."""
        run = self.run
        assert not live.dropped(run), run.stderr
        logged = collections.Counter((port, norm(sql)) for port, _, sql in self.server.statements(self.since))
        found = [r for r in run.roundtrips if r['Request']['Packet']['Kind'] in ('query', 'execute', 'copy_in', 'copy_out', 'copy_both')]
        key = lambda r: (r['Request']['Port'], norm(r['Request']['Packet']['Statement']))  # noqa: E731
        every = collections.Counter(key(r) for r in found)
        well = collections.Counter(key(r) for r in found if r['Outcome'] == 'answered' and not r.get('Error'))
        assert sum(logged.values()) >= least
        missing, extra = logged - every, well - logged
        assert not missing and not extra, 'missing %s\nextra %s\n%s' % (list(missing.items())[:4], list(extra.items())[:4], run.stderr)
        assert not [r for r in run.roundtrips if r['Outcome'] in ('lost', 'open') or r.get('Partial')], run.stderr


def python_drivers():
    return pytest.importorskip('pgclients', reason='psycopg2, psycopg or asyncpg is not installed')


def test_python_drivers(net, server):
    """All talks of the recordings at once, each exchange as its driver knows it."""
    pg = python_drivers()
    logs = []

    def run(talk):
        log = c.Log()
        with c.inside(net.name):
            talk(log, server)
        logs.append(log)
    with Watched(net, server) as w:
        threads = [threading.Thread(target=run, args=(talk,)) for talk in (pg.pg_extended, pg.pg_pipelined)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        server.sql('truncate t', 'shop')
        run(pg.pg_simple)
    assert len(logs) == 3
    truth.assert_exact(w.run.roundtrips, [e for log in logs for e in log.exchanges], w.run.stderr)


def test_pgbench(net, server):
    server.run(os.path.join(postgres.BIN, 'pgbench'), '-i', '-q', '-h', server.dir, '-p', '5432', '-U', 'postgres', 'shop')
    with Watched(net, server) as w:
        for mode in ('simple', 'extended', 'prepared'):
            w.command('pgbench', '-n', '-M', mode, '-c', '3', '-t', '40', '-h', '127.0.0.1', '-U', 'alice', 'shop')
    w.assert_as_logged(3 * 3 * 40 * 7)
    kinds = collections.Counter(r['Request']['Packet']['Kind'] for r in w.run.roundtrips)
    assert kinds['prepare'] == 3 * 7
    assert {r['Request'].get('User') for r in w.run.roundtrips} == {'alice'}


SCRIPT = r'''
\set ON_ERROR_STOP off
create table if not exists p (n int primary key, s text);
insert into p select g, 'it is ' || g from generate_series(1, 300) g;
\d p
select * from p where n < 5 \gx
select nothing from p;
begin; update p set s = 'x' where n = 7; savepoint a; select 1/0; rollback to a; commit;
\copy p to '/dev/null'
copy (select 1) to stdout;
declare c cursor with hold for select * from p; fetch 10 from c; close c;
listen here; notify here, 'you';
do $$ begin raise notice 'said'; end $$;
select 1 as a \; select 2 as b;
drop table p;
'''


def test_psql(net, server):
    with Watched(net, server) as w:
        w.command('psql', '-X', '-q', '-h', '127.0.0.1', '-U', 'alice', 'shop', stdin=SCRIPT)
    w.assert_as_logged(20)
    by = {r['Request']['Packet'].get('Statement', ''): r for r in w.run.roundtrips}
    assert by["insert into p select g, 'it is ' || g from generate_series(1, 300) g;"]['Response']['Packet']['Rows'] == 300
    assert by['select nothing from p;']['Error'] == '42703'
    assert by['COPY  p TO STDOUT ']['Response']['Packet']['CopyRows'] == 300
    assert by["do $$ begin raise notice 'said'; end $$;"]['Response']['Packet']['Notices'] == 1
    assert by['select 1 as a ; select 2 as b;']['Response']['Packet']['Tags'] == ['SELECT 1', 'SELECT 1']


def test_replication(net, server):
    with Watched(net, server) as w:
        w.command('pg_basebackup', '-h', '127.0.0.1', '-U', 'repl', '-D', os.path.join(w.live.dir.name, 'backup'), '-X', 'stream', '-c', 'fast')
    kinds = collections.Counter(r['Request']['Packet']['Kind'] for r in w.run.roundtrips)
    assert kinds['copy_out'] >= 1 and kinds['copy_both'] == 1, kinds
    both = next(r for r in w.run.roundtrips if r['Request']['Packet']['Kind'] == 'copy_both')
    assert both['Outcome'] == 'answered' and both['Response']['Packet']['CopyBytes'] > 0
    out = next(r for r in w.run.roundtrips if r['Request']['Packet']['Kind'] == 'copy_out')
    assert out['Response']['Packet']['CopyBytes'] > 1_000_000
    assert any(r['Request']['Packet'].get('Replication') for r in w.run.roundtrips)


def test_encrypted(net):
    with postgres.Postgres('127.0.0.1', 5444, net.name, ssl=True) as secure, Watched(net, secure) as w:
        for mode in ('require', 'prefer', 'disable'):
            w.command('psql', '-X', '-h', '127.0.0.1', '-p', '5444', '-U', 'alice', 'shop', '-c', 'select 1', env={'PGSSLMODE': mode})
    got = [(r['Request']['Packet']['Kind'], r['Request']['Packet'].get('Encryption')) for r in w.run.roundtrips]
    assert sorted(map(str, got)) == sorted(map(str, [('startup', 'TLS'), ('startup', 'TLS'), ('startup', None), ('query', None)]))


def test_encrypted_at_once(net, tmp_path):
    """TLS without a question before it, as libpq 17 does with sslnegotiation=direct: told by its ALPN, on any port."""
    key, crt = str(tmp_path / 'key'), str(tmp_path / 'crt')
    subprocess.run(['openssl', 'req', '-new', '-x509', '-days', '30', '-nodes', '-subj', '/CN=test', '-keyout', key, '-out', crt], check=True, capture_output=True)
    with live.Live(namespace=net.name, ifaces='lo') as watch:
        with c.inside(net.name):
            listener = socket.create_server(('127.0.0.1', 0))
            for alpn in ('postgresql', 'http/1.1'):
                serve, ask = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                serve.load_cert_chain(crt, key)
                ask.check_hostname, ask.verify_mode = False, ssl.CERT_NONE
                serve.set_alpn_protocols([alpn])
                ask.set_alpn_protocols([alpn])
                server = threading.Thread(target=lambda s=serve: s.wrap_socket(listener.accept()[0], server_side=True).close())
                server.start()
                ask.wrap_socket(socket.create_connection(listener.getsockname())).close()
                server.join()
        watch.reported(1)
        run = watch.stop()
    r, = run.roundtrips
    assert (r['Proto'], r['Request']['Packet']['Encryption'], r['Outcome']) == ('postgresql', 'TLS', 'answered')


@pytest.mark.skipif(not shutil.which('java') or not os.path.exists(JDBC), reason='no Java, or no JDBC driver')
def test_jdbc(net, server):
    with Watched(net, server) as w:
        w.command('java', '-cp', JDBC, os.path.join(DRIVERS, 'Jdbc.java'), 'jdbc:postgresql://127.0.0.1:5432/shop?user=alice&sslmode=disable')
    w.assert_as_logged(55)
    suspended = [r for r in w.run.roundtrips if r['Response'] and r['Response']['Packet'].get('Suspended')]
    assert suspended and all(r['Response']['Packet']['Rows'] == r['Request']['Packet']['MaxRows'] for r in suspended)
    assert any(r['Request']['Packet']['Kind'] == 'copy_in' for r in w.run.roundtrips)


@pytest.fixture(scope='module')
def pgx():
    """The test's Go program, built once with the module from the proxy."""
    if not shutil.which('go'):
        pytest.skip('no Go')
    where = os.path.join(CACHE, 'pgx')
    shutil.copytree(os.path.join(DRIVERS, 'pgx'), where, dirs_exist_ok=True)
    built = subprocess.run(['go', 'build', '-mod=mod', '-o', 'pgx', '.'], cwd=where, capture_output=True, text=True, timeout=300, check=False)
    if built.returncode and re.search(r'dial tcp|proxy|no such host|timeout', built.stderr):
        pytest.skip('the Go module proxy cannot be reached')
    assert built.returncode == 0, built.stderr
    return os.path.join(where, 'pgx')


def test_pgx(net, server, pgx):
    with Watched(net, server) as w:
        w.command(pgx, 'postgres://alice@127.0.0.1:5432/shop?sslmode=disable')
    w.assert_as_logged(60)
    skipped = [r for r in w.run.roundtrips if r.get('Error') == 'skipped']
    assert {r['Outcome'] for r in skipped} == {'no_response'} and len(skipped) == 2
