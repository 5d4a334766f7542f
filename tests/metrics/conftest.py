import os
import subprocess
import sys

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
PACKETD = os.environ.get('PACKETD', os.path.join(ROOT, 'build-asan', 'packetd'))


@pytest.fixture(scope='session')
def probe():
    """What tests/metrics/metrics_probe prints."""
    program = os.environ.get('METRICS_PROBE', os.path.join(os.path.dirname(PACKETD), 'metrics_probe'))

    def run(*args):
        return subprocess.run([program, *args], check=True, capture_output=True, timeout=120).stdout
    return run


@pytest.fixture(scope='session')
def captures():
    return os.path.join(ROOT, 'tests', 'captures')
