"""MySQL live: what drivers and clients say to a real MariaDB is reported exactly once, by the clients' own log and by the server's general log.

Drivers that are not Debian's come from PyPI, the Go module proxy and Maven; without those their tests are skipped."""

import collections
import os
import shutil
import subprocess

import clients as c
import live
import mysql_server
import mysql_talk as m
import mysql_wire as w
import pytest
import servers as s
from made import cached, mysql_connector, quietly

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'mysql')
pytestmark = pytest.mark.skipif(not shutil.which('mariadbd'), reason='not installed: mariadb-server')
PORT = 3306


@pytest.fixture(scope='module')
def place():
    """A loopback of its own with a MariaDB."""
    with s.Loopback('pdm%d' % (os.getpid() % 100000)) as net, s.MariaDB('127.0.0.1', PORT, net.name) as server:
        m.setup(server)
        yield net, server


def watching(place, *options):
    return live.Live('--show-secrets', '--proto', 'mysql', *options, namespace=place[0].name, ifaces='lo')


def run_driver(place, *command, **more):
    return subprocess.run(['ip', 'netns', 'exec', place[0].name, *command], capture_output=True, text=True, check=True, timeout=120, **more)


def reported(run):
    """By the server's number of the connection: what was asked, in order."""
    by, threads = collections.defaultdict(list), {}
    for r in run.roundtrips:
        q, a = r['Request'], r['Response'] or {}
        if q['Command'] == 'LOGIN' and 'ThreadID' in a:
            threads[r['Connection']] = a['ThreadID']
    for r in run.roundtrips:
        q = r['Request']
        if r['Connection'] in threads:
            by[threads[r['Connection']]].append((q['Command'], q['Statement'], r['Outcome']))
    return by


# general log -> our name, and whether it tells the text as it was sent; the rest is told by some versions only
LOGGED = {'Query': ('QUERY', True), 'Prepare': ('PREPARE', True), 'Execute': ('EXECUTE', False), 'Close stmt': ('CLOSE_STMT', False),
          'Init DB': ('INIT_DB', True), 'Quit': ('QUIT', False)}
VERBATIM = dict(LOGGED.values())


def counted(entries):
    entries = [('EXECUTE' if command == 'STMT_BULK_EXECUTE' else command, text) for command, text in entries]
    return collections.Counter((command, text[:1000] if VERBATIM[command] else '') for command, text in entries if command in VERBATIM)


def by_general_log(run, server, before):
    """Each statement of the server's own log is reported once, with its text. A PREPARE that fails is not logged, nor is what closes it; and
    procedures and several statements at once are logged one by one as well."""
    told = reported(run)
    logged = collections.defaultdict(list)
    for thread, command, text in server.logged()[before:]:
        if thread in told and command in LOGGED:
            logged[thread].append((LOGGED[command][0], text))
    assert logged, 'the general log tells nothing of the connections that were reported'
    for thread, entries in logged.items():
        want, got = counted(entries), counted((command, text) for command, text, _ in told[thread] if (command, text) != ('CLOSE_STMT', '?'))
        missing = {k: n for k, n in (want - got).items() if not (k[0] == 'QUERY' and inner(k[1], told[thread]))}
        extra = {k: n for k, n in (got - want).items() if k[0] != 'PREPARE'}
        assert not missing and not extra, 'connection %d\nnot reported: %s\nnot logged: %s' % (thread, missing, extra)


def inner(text, told):
    """The log also has the single statements of several sent at once."""
    return any(text.strip() in whole and text.strip() != whole.strip() for _, whole, _ in told)


def live_run(place, *command, **more):
    before = len(place[1].logged())
    with watching(place) as watch:
        run_driver(place, *command, **more)
        quits = 'QUIT'
        watch.until(lambda lines: lines and lines[-1]['Request']['Command'] in (quits, 'LOGIN', 'QUERY'))
        place[0].packets()
        run = watch.stop()
    if live.dropped(run):
        pytest.skip('the kernel dropped packets: nothing to compare')
    by_general_log(run, place[1], before)
    return run


@pytest.mark.parametrize('more', [{}, {'compress': w.ZLIB}, {'caps': w.DEPRECATE_EOF | w.SESSION_TRACK}, {'compress': w.ZLIB, 'caps': w.DEPRECATE_EOF}], ids=str)
def test_every_command(place, more):
    log = c.Log()
    place[1].sql('update d.counter set n = 0; drop user if exists w')
    with live.Live('--proto', 'mysql', namespace=place[0].name, ifaces='lo') as watch:
        with c.inside(place[0].name):
            m.everything(log, place[1], **more)
            m.pipelined(log, place[1], 4, **{k: v for k, v in more.items() if k != 'compress'})
            a, b = m.Logged(log, place[1], **more), m.Logged(log, place[1], **more)
            m.turns(a, b, 40)
            a.close()
            b.close()
        watch.reported(len(log.exchanges))
        live.clients_log(watch.stop(), log)


def test_mariadb_client(place):
    script = "select 1; show tables; select * from t; select repeat('x', 100000);\nuse mysql\nselect count(*) from user;\nstatus\n"
    for options in ([], ['--compress']):
        live_run(place, 'mariadb', '--no-defaults', '-h127.0.0.1', '-P%d' % PORT, '-uu', '-ppw', '--skip-ssl', *options, 'd', input=script)


def test_pymysql(place):
    pytest.importorskip('pymysql')
    live_run(place, '/usr/bin/python3', os.path.join(HERE, 'drive.py'), 'pymysql', '127.0.0.1', str(PORT))


def test_mysqlclient(place):
    """The driver in C, over MariaDB's own library."""
    pytest.importorskip('MySQLdb')
    live_run(place, '/usr/bin/python3', os.path.join(HERE, 'drive.py'), 'mysqlclient', '127.0.0.1', str(PORT))


@pytest.fixture(scope='module')
def connector():
    return mysql_connector()


@pytest.mark.parametrize('more', [[], ['compress']], ids=str)
def test_connector_python(place, connector, more):
    live_run(place, connector, os.path.join(HERE, 'drive.py'), 'connector', '127.0.0.1', str(PORT), *more)


@pytest.mark.parametrize('options', ['', '?interpolateParams=true&compress=true'])
def test_go_driver(place, options):
    if not shutil.which('go'):
        pytest.skip('not installed: go')

    def make(path):
        shutil.copytree(os.path.join(HERE, 'go'), path + '/src', dirs_exist_ok=True)
        quietly('go', 'build', '-o', path + '/driver', '.', cwd=path + '/src')
    live_run(place, cached('mysql-go', make) + '/driver', 'u:pw@tcp(127.0.0.1:%d)/d%s' % (PORT, options))


@pytest.mark.parametrize('url', ['mariadb://127.0.0.1:%d/d?user=u&password=pw&useServerPrepStmts=true&useBulkStmts=true', 'mariadb://127.0.0.1:%d/d?user=u&password=pw&useCompression=true',
                                 'mysql://127.0.0.1:%d/d?user=u&password=pw&useServerPrepStmts=true&useCursorFetch=true&sslMode=DISABLED',
                                 'mysql://127.0.0.1:%d/d?user=u&password=pw&rewriteBatchedStatements=true&useCompression=true&sslMode=DISABLED'])
def test_jdbc(place, url):
    if not shutil.which('mvn') or not shutil.which('javac'):
        pytest.skip('not installed: maven or a JDK')

    def make(path):
        quietly('mvn', '-q', '-f', os.path.join(HERE, 'pom.xml'), 'dependency:copy-dependencies', '-DoutputDirectory=' + path + '/lib')
        quietly('javac', '-d', path, os.path.join(HERE, 'Driver.java'))
    path = cached('mysql-java', make)
    live_run(place, 'java', '-cp', path + ':' + path + '/lib/*', 'Driver', 'jdbc:' + url % PORT)


@pytest.mark.parametrize('mode', ['disable', 'auto'])
def test_sysbench(place, mode):
    if not shutil.which('sysbench'):
        pytest.skip('not installed: sysbench')
    options = ['sysbench', '--db-driver=mysql', '--mysql-host=127.0.0.1', '--mysql-port=%d' % PORT, '--mysql-user=u', '--mysql-password=pw', '--mysql-db=d', '--table-size=1000',
               '--threads=4', '--events=200', '--time=0', '--db-ps-mode=' + mode, 'oltp_read_write']
    run_driver(place, *options, 'prepare')
    try:
        run = live_run(place, *options, 'run')
        executed = sum(r['Request']['Command'] in ('QUERY', 'EXECUTE') for r in run.roundtrips)
        assert executed >= 200 * 20
        if mode == 'auto':
            assert all(r['Request']['Statement'] != '?' for r in run.roundtrips if r['Request']['Command'] == 'EXECUTE')
    finally:
        run_driver(place, *options, 'cleanup')


def test_refused_and_encrypted(place):
    log = c.Log()
    with live.Live('--proto', 'mysql', namespace=place[0].name, ifaces='lo') as watch:
        with c.inside(place[0].name):
            with pytest.raises(w.SqlError) as refused:
                w.Client('127.0.0.1', PORT, password='wrong')
        watch.reported(1)
        run = watch.stop()
    r, = run.roundtrips
    assert refused.value.code == 1045
    assert (r['Request']['Command'], r['Outcome'], r['Error'], r['Response']['Packet']['SQLState']) == ('LOGIN', 'answered', '1045', '28000')
    assert 'wrong' not in str(r)
    assert not log.exchanges


def test_forms_of_mysql_9(place, connector):
    """Query attributes, result sets without definitions, caching_sha2_password: a server of our own, with MySQL's own driver and ours."""
    with c.inside(place[0].name):
        server = mysql_server.MySQL9('127.0.0.1', 33090)
    with server, live.Live('--proto', 'mysql;33090', namespace=place[0].name, ifaces='lo') as watch:
        run_driver(place, connector, os.path.join(HERE, 'drive.py'), 'attributes', '127.0.0.1', '33090')
        with c.inside(place[0].name):
            for user in ('u', 'full', 'switch'):
                a = w.Client('127.0.0.1', 33090, user=user, caps=w.DEPRECATE_EOF | w.QUERY_ATTRIBUTES | w.OPTIONAL_METADATA | w.SESSION_TRACK)
                a.query('metadata none')
                assert a.query('select 5').rows == 5
                ident = a.ask(w.PREPARE, 'select 6 or ?')
                assert a.execute(ident).rows == 6
                a.query('metadata full')
                assert a.query('select 7').rows == 7
                a.close()
        watch.until(lambda lines: sum(r['Request']['Command'] == 'QUIT' for r in lines) == 4)
        run = watch.stop()
    got = [(r['Request']['Command'], r['Request']['Statement'], (r['Response'] or {}).get('Packet', {}).get('Rows')) for r in run.roundtrips]
    for rows, times in ((3, 1), (4, 1), (5, 3), (7, 3)):
        assert got.count(('QUERY', 'select %d' % rows, rows)) == times, got
    assert got.count(('EXECUTE', 'select 6 or ?', 6)) == 3, got
    assert all(r['Outcome'] in ('answered', 'oneway') for r in run.roundtrips)
    assert {r['Response']['AuthPlugin'] for r in run.roundtrips if r['Response'] and 'AuthPlugin' in r['Response']} == {'mysql_native_password'}
