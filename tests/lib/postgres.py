"""A real PostgreSQL for recordings and live tests, run as the user postgres in a folder of its own."""

import glob
import os
import re
import shutil
import subprocess

import servers

BIN = next(iter(sorted(glob.glob('/usr/lib/postgresql/*/bin'), key=lambda d: -int(d.split('/')[4]))), '')
AS_USER = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups'] if os.geteuid() == 0 else []

CONF = '''
listen_addresses = '{address}'
port = {port}
unix_socket_directories = '{dir}'
fsync = off
ssl = {ssl}
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
        if ssl:
            self.run('openssl', 'req', '-new', '-x509', '-days', '30', '-nodes', '-subj', '/CN=test', '-keyout', self.data + '/server.key',
                     '-out', self.data + '/server.crt')
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

    def logged(self):
        """Size of its log so far."""
        return os.path.getsize(os.path.join(self.dir, 'log'))

    def statements(self, since=0):
        """What it has logged as carried out over the network: (client port, how, text)."""
        with open(os.path.join(self.dir, 'log'), 'rb') as f:
            f.seek(since)
            text = f.read().decode('utf8', 'replace')
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
