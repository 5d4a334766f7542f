"""Runs `packetd agent` on live traffic or a capture, and asks it over HTTP."""

import json
import os
import re
import signal
import subprocess
import tempfile

import observe
from servers import wait_for

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Agent:
    """A running agent in a network namespace (None: here); `config` is YAML text (None: built-in defaults)."""

    def __init__(self, config=None, *options, namespace=None, port=9091, wait=True, program=observe.PACKETD, **more):
        self.dir = tempfile.TemporaryDirectory(prefix='packetd-agent-')
        os.chmod(self.dir.name, 0o755)
        self.port = port
        self.scheme = 'http'
        self.enter = ['ip', 'netns', 'exec', namespace] if namespace else []
        self.curl = [*self.enter, 'curl', '-s', '-g', '--max-time', '30']
        if config is not None:
            self.configure(config)
            options = ('--config', self.path('packetd.yaml'), *options)
        env = dict(os.environ, TZ='UTC', ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', 'detect_leaks=1'))
        with open(self.path('out'), 'wb') as stdout, open(self.path('err'), 'wb') as stderr:
            self.child = subprocess.Popen([*self.enter, program, 'agent', *map(str, options)], stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                          env=env, cwd=self.dir.name, **more)
        if wait:
            try:
                wait_for(self.ready, 'packetd agent', 30)
            except RuntimeError:
                self.kill()
                raise

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def text(self, name):
        try:
            with open(self.path(name), encoding='utf8', errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def configure(self, text):
        """As an editor does it: a new file takes the old one's place."""
        with open(self.path('packetd.yaml.new'), 'w', encoding='utf8') as f:
            f.write(text)
        os.rename(self.path('packetd.yaml.new'), self.path('packetd.yaml'))

    def ready(self):
        if self.child.poll() is not None:
            raise RuntimeError('packetd agent ended with %d: %s' % (self.child.returncode, self.text('err') + self.text('out')))
        return self.status('/readyz')[0] == 200

    def url(self, path):
        return '%s://127.0.0.1:%d%s' % (self.scheme, self.port, path)

    def status(self, path, *options):
        """-> (code, body)"""
        out = subprocess.run([*self.curl, '-w', '\n%{http_code}', *options, self.url(path)], capture_output=True, check=False).stdout.decode('utf8', 'replace')
        body, _, code = out.rpartition('\n')
        return int(code or 0), body

    def get(self, path, *options):
        code, body = self.status(path, *options)
        assert code == 200, '%s: %d %s' % (path, code, body)
        return body

    def json(self, path, *options):
        return json.loads(self.get(path, *options))

    def samples(self, path='/protocol/metrics'):
        """-> {name: [(labels, value)]}"""
        found = {}
        for line in self.get(path).splitlines():
            if line.startswith('#') or not line:
                continue
            m = SAMPLE.match(line)
            assert m, line
            found.setdefault(m[1], []).append((dict(LABEL.findall(m[2] or '')), float(m[3])))
        return found

    def total(self, name, path='/protocol/metrics', **labels):
        return sum(v for have, v in self.samples(path).get(name, ()) if labels.items() <= have.items())

    def until(self, check, what, seconds=30):
        try:
            wait_for(check, what, seconds)
        except RuntimeError as e:
            raise AssertionError('%s\n%s' % (e, self.text('err')[-3000:])) from e

    def reload(self):
        return self.status('/-/reload', '-X', 'POST')

    def stop(self, sig=signal.SIGTERM, code=0):
        if self.child.poll() is None:
            self.child.send_signal(sig)
        return self.ended(code)

    def ended(self, code=0):
        """Waits for its end -> what it said."""
        try:
            got = self.child.wait(observe.TIMEOUT)
            said = self.text('err') + self.text('out')
            assert got == code, 'exit %d\n%s' % (got, said[-4000:])
            assert 'runtime error' not in said and 'Sanitizer' not in said, said[-4000:]
            assert 'do not hold' not in said, said[-4000:]
            return said
        finally:
            self.kill()

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()
