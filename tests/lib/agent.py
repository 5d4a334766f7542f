"""Runs `packetd agent` on live traffic or a capture, and asks it over HTTP."""

import json
import os
import re
import signal
import subprocess

import observe
from child import Child
from servers import wait_for

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Agent(Child):
    """A running agent in a network namespace (None: here); `config` is YAML text (None: built-in defaults)."""

    def __init__(self, config=None, *options, namespace=None, port=9091, wait=True, program=observe.PACKETD, **more):
        self.enter = ['ip', 'netns', 'exec', namespace] if namespace else []
        super().__init__('agent', 0o755, [*self.enter, program, 'agent'], **more)
        self.more['cwd'] = self.dir.name
        self.port = port
        self.scheme = 'http'
        self.curl = [*self.enter, 'curl', '-s', '-g', '--max-time', '30']
        if config is not None:
            self.configure(config)
            options = ('--config', self.path('packetd.yaml'), *options)
        self.command += options
        self.start()
        if wait:
            try:
                wait_for(self.ready, 'packetd agent', 30)
            except RuntimeError:
                self.kill()
                raise

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
            self.ended_well(code, got, said)
            assert 'do not hold' not in said, said[-4000:]
            return said
        finally:
            self.kill()
