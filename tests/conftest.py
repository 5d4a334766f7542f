"""Shared by all Python tests: the library next door, the recorded captures, a seeded source of chance."""

import os
import random
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))

import observe  # noqa: E402


def pytest_sessionstart(session):
    if not os.access(observe.PACKETD, os.X_OK):
        pytest.exit('%s is not there: build it, or set PACKETD' % observe.PACKETD, 1)


SEED = os.environ.get('PACKETD_TEST_SEED', '1')


@pytest.fixture
def rng(request):
    """The same for every run of a test; another with PACKETD_TEST_SEED."""
    return random.Random(SEED + request.node.nodeid.split('::', 1)[1])
