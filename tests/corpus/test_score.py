"""Public captures with known exchanges, scored by the tool that comes with them; both live beside the checkout."""

import os
import subprocess

import pytest
from observe import PACKETD, ROOT

SHARED = os.environ.get('PACKETD_SHARED', os.path.join(ROOT, '..', 'shared'))
SCORE = os.path.join(SHARED, 'tools', 'score')

pytestmark = pytest.mark.skipif(not os.access(SCORE, os.X_OK), reason='no corpus beside the checkout')


@pytest.mark.parametrize('protocol', ['http', 'dns', 'redis'])
@pytest.mark.parametrize('folder', ['corpus', 'own'])
def test_recall_and_precision(folder, protocol):
    where = os.path.join(SHARED, 'corpus') if folder == 'corpus' else os.path.join(ROOT, 'tests', 'captures')
    done = subprocess.run([SCORE, '-v', '--proto', protocol, PACKETD, where], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert protocol + ' ' in done.stdout, done.stdout
