"""What tests make once, out of what registries give, and keep between runs."""

import os
import subprocess
import sys

import pytest

CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'packetd-tests')


def cached(name, make):
    """A folder below the cache that `make` fills once; skipped when it cannot."""
    path = os.path.join(CACHE, name)
    if os.path.exists(os.path.join(path, 'done')):
        return path
    os.makedirs(path, exist_ok=True)
    try:
        make(path)
    except (OSError, subprocess.SubprocessError) as e:
        pytest.skip('cannot be had here: %s' % str(getattr(e, 'stderr', '') or e)[-200:])
    with open(os.path.join(path, 'done'), 'w', encoding='ascii'):
        pass
    return path


def quietly(*command, **more):
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL, **more)


def mysql_connector():
    """A Python that has MySQL's own driver."""
    def make(path):
        quietly(sys.executable, '-m', 'venv', path + '/venv')
        quietly(path + '/venv/bin/pip', '-q', 'install', 'mysql-connector-python')
    return cached('mysql-python', make) + '/venv/bin/python'
