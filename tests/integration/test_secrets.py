"""What databases are told in confidence shows nowhere: one talk with each, and every output there is at the same time. Literals do not leave the host."""

import contextlib
import json
import os
import shutil
import subprocess
import threading

import agent
import bulkstore
import clients as c
import kafka_mock
import live
import mongo_server
import mysql_wire as w
import pytest
import servers as s
from backend import Backend

postgres = pytest.importorskip('postgres')
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which('mariadbd') or not postgres.available(), reason='needs root, mariadb-server and postgresql')

SECRET, LITERAL = 'Hush4ever', 'Lit3rally'
PYTHON = '/usr/bin/python3'
MYSQL = ("create user x1 identified by '%s'", "alter user x1 identified by '%s'", "set password for x1 = password('%s')", "grant usage on *.* to x1 identified by '%s'",
         "set @q = 'create user x2 identified by ''%s'''", "prepare p from 'alter user x1 identified by \"%s\"'", "create user x1 identifed by '%s'")
POSTGRESQL = ("create role x1 login password '%s'", "alter role x1 password '%s'", "alter user x1 with encrypted password '%s'", "create role password '%s' login nonsense")
AGENT = '''
server: {enabled: true, address: 127.0.0.1:9091}
sniffer: {ifaces: lo}
processor:
- name: roundtripstometrics
  config:
    mysql: {requireLabels: [request.command, request.fingerprint, request.table]}
    postgresql: {requireLabels: [request.fingerprint, request.table]}
- name: roundtripstotraces
- name: roundtripstorecords
pipeline:
- {name: all, processors: [roundtripstometrics, roundtripstotraces, roundtripstorecords]}
exporter:
  traces: {enabled: true, endpoint: URL/v1/traces, interval: 1s}
  logs: {enabled: true, endpoint: URL/v1/logs, interval: 1s}
  metrics: {enabled: true, endpoint: URL/api/v1/write, interval: 1s}
  roundtrips: {enabled: true, filename: out.jsonl}
  elasticsearch: {enabled: true, endpoint: URL, index: shop, interval: 1s}
  kafka: {enabled: KAFKA, endpoint: "BROKER", topic: talk, interval: 1s}
'''


def talk_mysql(server):
    with contextlib.closing(w.Client(server.address, server.port)) as a:
        for text in (*(m % SECRET for m in MYSQL), "selec '%s'" % LITERAL, "select '%s'" % LITERAL):
            with contextlib.suppress(w.SqlError):
                a.query(text)


def talk_postgresql(net, server):
    for text in (*(m % SECRET for m in POSTGRESQL), "select '%s'::int" % LITERAL, "select '%s'" % LITERAL):
        subprocess.run(['ip', 'netns', 'exec', net.name, 'psql', '-X', '-q', '-h', '127.0.0.1', '-U', 'alice', 'shop', '-c', text], capture_output=True, check=False, timeout=60,
                       env=dict(os.environ, PGSSLMODE='disable', PGGSSENCMODE='disable'))


def talk_mongodb(server):
    """Log-in by SASL, and a user made: what is sent counts, whatever the server makes of it."""
    import pymongo
    import pymongo.errors
    client = pymongo.MongoClient('127.0.0.1', server.port, serverSelectionTimeoutMS=5000, socketTimeoutMS=5000)
    for command in ({'saslStart': 1, 'mechanism': 'PLAIN', 'payload': ('\0u\0' + SECRET).encode()}, {'createUser': 'x', 'pwd': SECRET, 'roles': []},
                    {'find': 'c', 'filter': {'a': LITERAL}}):
        with contextlib.suppress(pymongo.errors.PyMongoError):
            client.admin.command(command)
    client.close()


class Broker:
    """A Kafka cluster of one, where librdkafka's Python module is; `said` is all it was given."""

    def __init__(self, namespace):
        self.address = self.child = None
        self.said = []
        if subprocess.run([PYTHON, '-c', 'import confluent_kafka'], capture_output=True, check=False).returncode:
            return
        self.child = subprocess.Popen(['ip', 'netns', 'exec', namespace, PYTHON, kafka_mock.__file__, 'talk'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.child.stdout.readline().strip()
        self.reader = threading.Thread(target=lambda: self.said.extend(self.child.stdout))
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.child:
            self.child.stdin.close()
            self.reader.join(30)
            self.child.kill()
            self.child.wait()


def told(documents):
    """All three databases' statements with the literal have come."""
    return {d['Proto'] for d in list(documents) if '?' in (d['Request'].get('Fingerprint') or '')} >= {'mysql', 'postgresql', 'mongodb'}


def captures_all(place, tmp_path):
    """name -> all that the output says; and the JSON lines."""
    net, maria, pg = place
    store = bulkstore.Store()
    answer = lambda number, request: store(number, request) if '_bulk' in request.path or request.method == 'PUT' else 200  # noqa: E731
    with c.inside(net.name):
        back, mongo = Backend(answer), mongo_server.MongoServer(port=27017, wire_version=17)
    with back, Broker(net.name) as broker, live.Live(namespace=net.name, ifaces='lo') as lines, live.Live(namespace=net.name, ifaces='lo', out='table') as table, \
            live.Live('--show-secrets', namespace=net.name, ifaces='lo') as open_book, \
            agent.Agent(AGENT.replace('URL', back.url).replace('BROKER', broker.address or 'none:1').replace('KAFKA', str(bool(broker.address)).lower()), namespace=net.name) as a:
        feed = subprocess.Popen([*a.curl[:-2], '-N', '--max-time', '90', a.url('/watch?max_message=100&timeout=60s')], stdout=subprocess.PIPE)
        said = []
        reader = threading.Thread(target=lambda: said.extend(feed.stdout))
        reader.start()
        with c.inside(net.name):
            talk_mysql(maria)
            talk_mongodb(mongo)
        talk_postgresql(net, pg)
        done = lambda shown: sum(LITERAL in json.dumps(r) for r in shown) >= 3  # noqa: E731
        lines.until(done, 60)
        open_book.until(done, 60)
        s.wait_for(lambda: LITERAL in table.text('out') and a.text('out.jsonl').count('"postgresql"') > 5, 'the table and the file', 60)
        out = {'api': a.get('/api/v1/roundtrips'), 'metrics': a.get('/protocol/metrics'), 'file': a.text('out.jsonl')}
        s.wait_for(lambda: {r.path for r in back.taken} >= {'/v1/traces', '/v1/logs', '/api/v1/write'}, 'the back end', 60)
        s.wait_for(lambda: told(store.documents.values()), 'the documents', 60)
        if broker.address:
            s.wait_for(lambda: told(map(json.loads, list(broker.said))), 'the records', 60)
        feed.terminate()
        feed.wait()
        reader.join(30)
        a.stop()
        out.update(watch=b''.join(said).decode('utf8', 'replace'), table=table.text('out'), json=lines.text('out'), open=open_book.text('out'),
                   sent=b''.join(r.body for r in back.taken).decode('latin-1'), kafka=''.join(broker.said) or None)
        return out


@pytest.fixture(scope='module')
def place():
    with s.Loopback('pds%d' % (os.getpid() % 100000)) as net, s.MariaDB('127.0.0.1', 3306, net.name) as maria, postgres.Postgres('127.0.0.1', 5432, net.name) as pg:
        yield net, maria, pg


def test_secrets_and_literals(place, tmp_path):
    pytest.importorskip('pymongo')
    out = captures_all(place, tmp_path)
    shown = out.pop('open')
    assert shown.count(SECRET) >= len(MYSQL) + len(POSTGRESQL), 'the secrets were not said, or not seen'
    if out['kafka'] is None:
        del out['kafka']
    for name, text in out.items():
        assert text, name
        assert SECRET not in text, '%s: %s' % (name, text[max(0, text.find(SECRET) - 200):][:300])
        stays = name in ('json', 'table', 'watch', 'api', 'file')  # on the host: with the literals
        assert stays or LITERAL not in text, '%s: %s' % (name, text[max(0, text.find(LITERAL) - 200):][:300])
    for quoted in ('syntax for type integer: ?', 'syntax to use near ?'):
        assert all(quoted in out[name] for name in ('sent', 'kafka') if name in out), quoted
    for name in ('json', 'file'):
        prints = {r['Request'].get('Fingerprint') for r in map(json.loads, out[name].splitlines())}
        assert 'select ?' in prints, prints
    assert 'select ?' in out['sent'] and 'select ?' in out['metrics']
