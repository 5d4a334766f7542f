"""What MongoDB's tests need beyond Debian's packages, made once and kept in $XDG_CACHE_HOME/packetd-tests: FerretDB and a client on the
Go driver (built from the Go modules that tests/integration/ferretdb names), and a current PyMongo beside Debian's old one.
Each function returns None, after saying why, when its registry or tool is not to be had."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import servers
from made import CACHE

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, '..', 'integration', 'ferretdb')
CLIENT = os.path.join(HERE, 'mongo_client.py')
DEBIAN_PYTHON = '/usr/bin/python3'
PYMONGO = 'pymongo==4.20.1', 'backports.zstd==1.8.0', 'python-snappy==0.7.3', 'zstandard==0.25.0'


def make(name, command, cwd=None, seconds=500):
    """The path of what `command` makes of {}, or of what it has made before."""
    path = os.path.join(CACHE, name)
    if os.path.exists(path):
        return path
    os.makedirs(CACHE, exist_ok=True)
    part = '%s.%d' % (path, os.getpid())
    try:
        done = subprocess.run([a.replace('{}', part) for a in command], cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        print('%s: %s' % (name, e), file=sys.stderr)
        return None
    if done.returncode or not os.path.exists(part):
        print('%s: %s' % (name, done.stderr[-500:]), file=sys.stderr)
        shutil.rmtree(part, ignore_errors=True)
        return None
    os.rename(part, path)
    return path


def go_program(package, name):
    digest = hashlib.sha256()
    for f in ('go.mod', 'go.sum', os.path.join(package, 'main.go')):
        with open(os.path.join(SOURCE, f), 'rb') as source:
            digest.update(source.read())
    return make('%s-%s' % (name, digest.hexdigest()[:12]), ['go', 'build', '-o', '{}', './' + package], cwd=SOURCE)


def ferretdb():
    return go_program('.', 'ferretdb')


def go_client():
    return go_program('client', 'mongo-go-client')


def new_pymongo():
    """A folder for PYTHONPATH."""
    return make('-'.join(PYMONGO).replace('==', '-'), ['pip3', 'install', '--quiet', '--disable-pip-version-check', '--target', '{}', *PYMONGO], seconds=200)


def client_command(scenario, address, port):
    return [DEBIAN_PYTHON, CLIENT, scenario, address, str(port)]


def client_env(path=None):
    return dict(os.environ, PYTHONPATH=path or '')


def run_client(scenario, server, path=None, prefix=()):
    """The exchanges that PyMongo (of `path`, or Debian's) had with the server."""
    done = subprocess.run([*prefix, *client_command(scenario, server.address, server.port)], env=client_env(path), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError('mongo_client.py %s: %s' % (scenario, done.stderr[-2000:]))
    return json.loads(done.stdout)['exchanges']


class FerretDB(servers.Server):
    def __init__(self, address='127.0.0.1', port=37017, namespace=None):
        super().__init__(namespace)
        self.address, self.port = address, port
        os.mkdir(os.path.join(self.dir, 'data'))
        env = dict(os.environ, DO_NOT_TRACK='1')
        self.start([ferretdb(), '%s:%d' % (address, port), os.path.join(self.dir, 'data')], lambda: self.listening(address, port), env=env)
