"""A running packetd, with a folder of its own for what it says. SPDX-License-Identifier: Apache-2.0"""

import os
import subprocess
import tempfile


class Child:
    """Standard output and error are the files out and err; ends, and its folder with it, at the end of a `with` block."""

    def __init__(self, name, mode, command, **more):
        self.dir = tempfile.TemporaryDirectory(prefix='packetd-%s-' % name)
        os.chmod(self.dir.name, mode)
        self.command, self.more = command, more

    def start(self):
        env = dict(os.environ, TZ='UTC', ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', 'detect_leaks=1'))
        with open(self.path('out'), 'wb') as stdout, open(self.path('err'), 'wb') as stderr:
            self.child = subprocess.Popen(list(map(str, self.command)), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=env, **self.more)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def text(self, name):
        """What a file of the folder says; nothing before it is there."""
        try:
            with open(self.path(name), encoding='utf8', errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def ended_well(self, code, got, said):
        assert got == code, 'exit %d\n%s' % (got, said[-4000:])
        assert 'runtime error' not in said and 'Sanitizer' not in said, said[-4000:]

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.kill()
