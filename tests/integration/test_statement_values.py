"""What real drivers give their prepared statements is what `--statement-parameters` shows: MariaDB and PostgreSQL, text and binary forms."""

import decimal
import os
import re
import shutil
import subprocess

import live
import pytest
import servers as s
from made import cached, mysql_connector, quietly

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'values')
JDBC = '/usr/share/java/postgresql.jar'
PYTHON = '/usr/bin/python3'  # of the packages
TEXT, BYTES, LONG = "it's ä €", '\\x00ff01', '9223372036854775807'
AT = '2024-12-31 23:59:58.123456'


def number(text):
    return decimal.Decimal(text)


def same(want, shown):
    """A number may be written in several ways, a truth as what the protocol has for it."""
    if want is None or shown is None:
        return want is shown
    if isinstance(want, tuple):
        return shown in want
    if isinstance(want, (int, float, decimal.Decimal)):
        return number(shown) == number(str(want))
    return want == shown


def check(run, field, want, times):
    """The first value is -7, then -8 …"""
    found = [r for r in run.roundtrips if "'values'" in r['Request'].get('Statement', r['Request'].get('Packet', {}).get('Statement', '')) and field(r)]
    assert len(found) == times, (len(found), run.stderr)
    for n, r in enumerate(found):
        shown = field(r)
        expected = [-7 - n % (times if times < 8 else 3), *want]
        assert len(shown) == len(expected), shown
        wrong = [(w, v) for w, v in zip(expected, shown) if not same(w, v)]
        assert not wrong, wrong


def of_mysql(r):
    return r['Request'].get('Parameters') if r['Request']['Command'] == 'EXECUTE' else None


def of_postgres(r):
    return r['Request']['Packet'].get('Parameters') if r['Request']['Packet']['Kind'] == 'execute' else None


def run(net, options, *command):
    with live.Live('--statement-parameters', *options, namespace=net.name, ifaces='lo') as watch:
        done = subprocess.run(['ip', 'netns', 'exec', net.name, *command], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        net.packets()
        got = watch.stop()
    if live.dropped(got):
        pytest.skip('the kernel dropped packets: nothing to compare')
    return got


@pytest.fixture(scope='module')
def go():
    if not shutil.which('go'):
        pytest.skip('not installed: go')

    def make(path):
        shutil.copytree(os.path.join(HERE, 'go'), path + '/src', dirs_exist_ok=True)
        quietly('go', 'build', '-mod=mod', '-o', path + '/values', '.', cwd=path + '/src')
    return cached('values-go-1', make) + '/values'


@pytest.fixture(scope='module')
def java():
    if not shutil.which('java') or not shutil.which('javac'):
        pytest.skip('not installed: a JDK')

    def make(path):
        quietly('javac', '-d', path, os.path.join(HERE, 'Values.java'))
    return cached('values-java-1', make)


@pytest.fixture(scope='module')
def mariadb():
    if not shutil.which('mariadbd'):
        pytest.skip('not installed: mariadb-server')
    with s.Loopback('pvm%d' % (os.getpid() % 100000)) as net, s.MariaDB('127.0.0.1', 3306, net.name):
        yield net


@pytest.fixture(scope='module')
def postgres():
    pg = pytest.importorskip('postgres')
    if not pg.available():
        pytest.skip('needs root, postgresql, and a user postgres')
    with s.Loopback('pvp%d' % (os.getpid() % 100000)) as net, pg.Postgres('127.0.0.1', 5432, net.name):
        yield net


MYSQL = ('--proto', 'mysql')
PG = ('--proto', 'postgresql')


def test_mysql_connector(mariadb):
    got = run(mariadb, MYSQL, mysql_connector(), os.path.join(HERE, 'drive.py'), 'connector', '127.0.0.1', '3306')
    found = [of_mysql(r) for r in got.roundtrips if of_mysql(r)]
    assert [v[0] for v in found] == ['values'] * 3
    want = [LONG, 0.1, decimal.Decimal('-12345.67'), TEXT, '', BYTES, '2024-02-29', AT, '1', None, '24:00:03.000005', 'x' * 256 + '…']
    for n, shown in enumerate(found):
        wrong = [(w, v) for w, v in zip([-7 - n, *want], shown[1:]) if not same(w, v)]
        assert not wrong and len(shown) == len(want) + 2, wrong


def test_mysql_go(mariadb, go):
    got = run(mariadb, MYSQL, go, 'mysql', 'u:pw@tcp(127.0.0.1:3306)/d')
    check(got, of_mysql, [LONG, '18446744073709551615', 0.1, TEXT, '', BYTES, AT, ('1', 'true'), None], 3)


@pytest.mark.parametrize('url, at', [('mariadb://127.0.0.1:3306/d?user=u&password=pw&useServerPrepStmts=true', AT),
                                     # this driver leaves fractions out with servers that are not MySQL
                                     ('mysql://127.0.0.1:3306/d?user=u&password=pw&useServerPrepStmts=true&sslMode=DISABLED', AT[:19])], ids=['mariadb', 'mysql'])
def test_mysql_java(mariadb, java, url, at):
    def make(path):
        quietly('mvn', '-q', '-f', os.path.join(HERE, '..', 'mysql', 'pom.xml'), 'dependency:copy-dependencies', '-DoutputDirectory=' + path + '/lib')
    drivers = cached('mysql-java-drivers', make)
    got = run(mariadb, MYSQL, 'java', '-cp', java + ':' + drivers + '/lib/*', 'Values', 'jdbc:' + url)
    check(got, of_mysql, [LONG, 0.1, decimal.Decimal('-12345.67'), TEXT, '', BYTES, ('2024-02-29', '2024-02-29 00:00:00'), at, ('1', 'true'), None], 7)


def test_psycopg(postgres):
    got = run(postgres, PG, PYTHON, os.path.join(HERE, 'drive.py'), 'psycopg', '127.0.0.1', '5432')
    found = [of_postgres(r) for r in got.roundtrips if of_postgres(r)]
    assert len(found) == 9
    want = [LONG, 0.1, decimal.Decimal('-12345.67'), TEXT, '', BYTES, '2024-02-29', AT, ('t', 'true'), None]
    for n, shown in enumerate(found):
        expected = [-7 - n % 3, *(w for w in want if not isinstance(w, decimal.Decimal) or len(shown) == 11)]
        wrong = [(w, v) for w, v in zip(expected, shown) if not same(w, v)]
        assert not wrong and len(shown) == len(expected), (n, wrong)


def test_asyncpg(postgres):
    got = run(postgres, PG, PYTHON, os.path.join(HERE, 'drive.py'), 'asyncpg', '127.0.0.1', '5432')
    interval, array = re.compile(r'\\x[0-9a-f]{32}'), re.compile(r'\\x0{7}1[0-9a-f]+')
    for r in got.roundtrips:
        shown = of_postgres(r)
        if shown and len(shown) == 24:
            assert interval.fullmatch(shown[16]) and array.fullmatch(shown[17])
            shown[16:18] = ['hex', 'hex']
    check(got, of_postgres, [LONG, 0.1, decimal.Decimal('-12345.67'), TEXT, '', BYTES, '2024-02-29', AT, 'true', None,
                             '12345678-9abc-def0-1234-56789abcdef0', '{"a": 1}', '23:59:58.12', 0.1, -32768, 'hex', 'hex', '1969-07-20 20:17:40+00', '0001-01-02',
                             decimal.Decimal('0.00001230'), '2000-01-01 00:00:00', '4294967295', 'v'], 3)


def test_pgx(postgres, go):
    got = run(postgres, PG, go, 'pgx', 'postgres://alice@127.0.0.1:5432/shop?sslmode=disable')
    check(got, of_postgres, [LONG, 0.1, 0.1, TEXT, '', BYTES, AT + '+00', 'true', None, decimal.Decimal('-12345.67'), '12345678-9abc-def0-1234-56789abcdef0',
                             '{"a": 1}', '2024-12-31'], 3)


@pytest.mark.skipif(not os.path.exists(JDBC), reason='no JDBC driver')
def test_postgres_java(postgres, java):
    got = run(postgres, PG, 'java', '-Duser.timezone=UTC', '-cp', java + ':' + JDBC, 'Values', 'jdbc:postgresql://127.0.0.1:5432/shop?user=alice&sslmode=disable')
    day = re.compile(r'2024-02-29( ?\+00(:00)?)?')
    for r in got.roundtrips:
        shown = of_postgres(r)
        if shown:
            assert day.fullmatch(shown[7]) and re.fullmatch(re.escape(AT) + r'( ?\+00(:00)?)?', shown[8]), shown
            shown[7:9] = ['day', 'at']
    check(got, of_postgres, [LONG, 0.1, decimal.Decimal('-12345.67'), TEXT, '', BYTES, 'day', 'at', ('1', 't', 'true', 'TRUE'), None], 7)
