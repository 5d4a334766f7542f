"""Real drivers with a real server of MongoDB's protocol (FerretDB), live: each message that the drivers wrote and read is reported
exactly once and says the same. What FerretDB does not do comes from tests/lib/mongo_server.py."""

import collections
import json
import os
import shutil
import subprocess

import live
import mongo_server
import mongo_tools
import pytest
import servers as s
import truth

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason='live capture needs root'),
              pytest.mark.skipif(subprocess.run([mongo_tools.DEBIAN_PYTHON, '-c', 'import pymongo'], capture_output=True, check=False).returncode != 0,
                                 reason='not installed: python3-pymongo')]


@pytest.fixture(scope='module')
def net():
    with s.Loopback('pdm%d' % (os.getpid() % 100000)) as n:
        yield n


@pytest.fixture(scope='module')
def ferretdb(net):
    if not shutil.which('go') or not mongo_tools.ferretdb():
        pytest.skip('FerretDB cannot be built: no Go, or no module proxy')
    with mongo_tools.FerretDB(port=27017, namespace=net.name) as server:
        yield server


def new_pymongo():
    return mongo_tools.new_pymongo() or pytest.skip('PyMongo 4 cannot be installed')


def inside(net):
    return 'ip', 'netns', 'exec', net.name


def observed(net, scenario, server, path):
    """One scenario, watched."""
    with live.Live(namespace=net.name, ifaces='lo') as w:
        exchanges = mongo_tools.run_client(scenario, server, path, inside(net))
        w.reported(len(exchanges))
        run = w.stop()
    truth.assert_exact(run.roundtrips, exchanges, run.stderr[-1000:])
    return run


@pytest.mark.parametrize('driver', ('new', 'old'))
def test_drivers(net, ferretdb, driver):
    run = observed(net, 'plain', ferretdb, new_pymongo() if driver == 'new' else None)
    errors = {r['Error'] for r in run.roundtrips if r.get('Error')}
    assert {'DuplicateKey', 'CommandNotFound'} <= errors


class InNamespace:
    """The small server, as a child in the namespace."""

    def __init__(self, net, port, wire_version):
        self.address, self.port = '127.0.0.1', port
        code = 'import sys, time; sys.path.insert(0, %r); import mongo_server; mongo_server.MongoServer(port=%d, wire_version=%d); time.sleep(600)'
        self.child = subprocess.Popen([*inside(net), mongo_tools.DEBIAN_PYTHON, '-c', code % (os.path.dirname(mongo_server.__file__), port, wire_version)])
        s.wait_for(lambda: ':%d ' % port in subprocess.run([*inside(net), 'ss', '-Hltn'], capture_output=True, text=True, check=True).stdout, 'the small server')

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.child.kill()
        self.child.wait()


def test_compressed_and_exhaust(net):
    with InNamespace(net, 27018, 17) as server:
        run = observed(net, 'packed', server, new_pymongo())
    seen = collections.Counter(r['Request'].get('Compressor', '') for r in run.roundtrips)
    assert all(seen[c] > 5 for c in ('snappy', 'zlib', 'zstd')), seen
    assert max(r['Response'].get('Replies', 0) for r in run.roundtrips if r['Response']) > 3


def test_version_2_6(net):
    with InNamespace(net, 27019, 2) as server:
        run = observed(net, 'legacy', server, None)
    assert {r['Request']['OpCode'] for r in run.roundtrips} >= {'QUERY', 'GET_MORE', 'INSERT', 'UPDATE', 'DELETE'}


def test_go_driver(net, ferretdb):
    """Several connections at once; what the driver's command monitor saw, by its numbers. Hellos of connections are not shown to it."""
    client = mongo_tools.go_client() or pytest.skip('the client cannot be built')
    with live.Live(namespace=net.name, ifaces='lo') as w:
        done = subprocess.run([*inside(net), client, '127.0.0.1:27017', '4', '40'], capture_output=True, text=True, timeout=120, check=True)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        w.until(lambda lines: len(lines) >= len(told))
        run = w.stop()
    want = collections.Counter((e['id'] & 0xffffffff, e['command'], e['db'], e['ok']) for e in told)
    shown = [r for r in run.roundtrips if r['Request']['CmdName'].lower() not in ('ismaster', 'hello')]
    # a write that failed is a command that succeeded, to the driver as to the server
    got = collections.Counter((r['Request']['ID'], r['Request']['CmdName'], r['Request']['Source'], r['Response']['Ok']) for r in shown)
    assert len(told) > 1000 and got == want, (list((want - got).elements())[:5], list((got - want).elements())[:5])
