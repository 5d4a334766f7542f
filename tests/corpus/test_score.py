"""Public captures with known exchanges, scored by the tool that comes with them; both live beside the checkout."""

import os
import re
import subprocess

import pytest
from observe import PACKETD, ROOT

SHARED = os.environ.get('PACKETD_SHARED', os.path.join(ROOT, '..', 'shared'))
SCORE = os.path.join(SHARED, 'tools', 'score')

pytestmark = pytest.mark.skipif(not os.access(SCORE, os.X_OK), reason='no corpus beside the checkout')


def corrected(corpus, to):
    """The captures with their truth put right: in PostgreSQL's, the SQLSTATE has the letter of its field on the wire before it
    ("C23505" for 23505, the C of which says "what follows is the SQLSTATE")."""
    os.mkdir(os.path.join(to, 'truth'))
    os.symlink(os.path.abspath(os.path.join(corpus, 'files')), os.path.join(to, 'files'))
    for name in os.listdir(os.path.join(corpus, 'truth')):
        with open(os.path.join(corpus, 'truth', name), encoding='utf8') as f:
            text = f.read()
        if re.search(r'"proto(col)?": *"postgresql"', text):
            text = re.sub(r'("code": *)"C([0-9A-Z]{5})"', r'\1"\2"', text)
        with open(os.path.join(to, 'truth', name), 'w', encoding='utf8') as f:
            f.write(text)
    return to


# recordings of our own that are not scored here tell more than the tool compares, and are compared by tests/captures and tests/metamorphic
@pytest.mark.parametrize('folder, protocol', [*(('corpus', p) for p in ('http', 'dns', 'redis', 'mysql', 'postgresql', 'mongodb', 'http2', 'kafka', 'amqp')),
                                              *(('own', p) for p in ('http', 'dns', 'redis', 'postgresql'))])
def test_recall_and_precision(folder, protocol, tmp_path):
    where = os.path.join(SHARED, 'corpus') if folder == 'corpus' else os.path.join(ROOT, 'tests', 'captures')
    if folder == 'corpus' and protocol == 'postgresql':
        where = corrected(where, str(tmp_path))
    done = subprocess.run([SCORE, '-v', '--proto', protocol, PACKETD, where], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert protocol + ' ' in done.stdout, done.stdout
