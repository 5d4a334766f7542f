"""Programs of other makes as servers and clients in a network namespace; tests/peers/build.sh makes those that are not packages.
A server ends when its standard input does, and then prints what it served, as a client prints what it asked: a JSON object a line."""

import glob
import json
import os
import shutil
import subprocess

import pytest
import servers as s

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get('PACKETD_PEERS') or os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'packetd-peers')
PYTHON = '/usr/bin/python3'
SCALE = float(os.environ.get('PACKETD_PEERS_SCALE', '1'))  # of how much they have to say


def many(n):
    return round(n * SCALE)


def built(name):
    path = os.path.join(CACHE, name)
    if not os.path.exists(path):
        pytest.skip('%s is not built: make test-peers' % name)
    return path


def installed(name):
    return shutil.which(name) or pytest.skip(name + ' is not installed')


def java(folder, *jars):
    """The command that runs a class of the folder with the jars of others."""
    path = ':'.join([built(folder)] + [built(j) + '/*' for j in jars])
    return [installed('java'), '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m', '-cp', path]


def versions(what):
    """Folders of jars: versions of something, oldest first."""
    found = [os.path.basename(p) for p in glob.glob(os.path.join(CACHE, what + '-[0-9]*'))]
    return sorted(found, key=lambda name: [int(n) for n in name.split('-')[-1].split('.')])


def lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith('{')]


def inside(net, *command, timeout=180, **more):
    """What a client prints, in the namespace."""
    done = subprocess.run(['ip', 'netns', 'exec', net.name, *map(str, command)], capture_output=True, encoding='utf8', timeout=timeout, check=False, **more)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


class Peer(s.Server):
    """A server that is ready when it listens, and told to end by the end of its standard input."""

    def __init__(self, net, port, *command, ready=None):
        super().__init__(net.name)
        self.out, err = open(os.path.join(self.dir, 'out'), 'w+', encoding='utf8'), open(os.path.join(self.dir, 'log'), 'wb')
        self.log = err
        self.child = subprocess.Popen(self.prefix + list(map(str, command)), stdin=subprocess.PIPE, stdout=self.out, stderr=err, cwd=self.dir, encoding='utf8')

        def up():
            if self.child.poll() is not None:
                raise RuntimeError('%s ended: %s' % (command, self.said()))
            return ready(self) if ready else self.listening('127.0.0.1', port)
        try:
            s.wait_for(up, str(command[0]), 90)
        except BaseException:
            self.close()
            raise

    def said(self):
        with open(self.out.name, encoding='utf8') as out, open(self.log.name, encoding='utf8', errors='replace') as err:
            return out.read() + err.read()[-3000:]

    def served(self):
        """Ends it -> its lines."""
        self.child.stdin.close()
        assert self.child.wait(60) == 0, self.said()
        with open(self.out.name, encoding='utf8') as f:
            return lines(f.read())

    def close(self):
        self.out.close()
        super().close()
