"""Hostile, cut and strange captures: read to the end (or refused with a sentence) without a crash, a hang or growth."""

import json
import os
import subprocess
import sys

import pytest
from observe import PACKETD, ROOT

SHARED = os.environ.get('PACKETD_SHARED', os.path.join(ROOT, '..', 'shared'))
FOLDERS = [os.path.join(SHARED, 'corpus', d) for d in ('odd', 'files')]
FILES = [os.path.join(d, f) for d in FOLDERS if os.path.isdir(d) for f in sorted(os.listdir(d))]
SECONDS = 60
MEMORY_MIB = 700  # with the sanitizer's shadow and quarantine

MEASURE = '''import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], timeout=%d).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
sys.exit(code if code >= 0 else 128 - code)''' % SECONDS

pytestmark = pytest.mark.skipif(not FILES, reason='no corpus beside the checkout')


@pytest.mark.parametrize('path', FILES, ids=[os.path.basename(p) for p in FILES])
def test_read_to_the_end(path):
    done = subprocess.run([sys.executable, '-c', MEASURE, PACKETD, 'watch', '--pcap-file', path, '-o', 'json', '--show-secrets', '--body', '1000'],
                          capture_output=True, timeout=SECONDS + 10, check=False)
    stderr = done.stderr.decode('utf8', 'replace')
    assert done.returncode in (0, 1), stderr[-3000:]
    assert 'Sanitizer' not in stderr and 'runtime error' not in stderr, stderr[-3000:]
    for line in done.stdout.splitlines():
        json.loads(line)
    memory = int(stderr.split()[-1])
    assert memory < MEMORY_MIB, '%d MiB' % memory
    if done.returncode == 1:
        assert len(stderr.split()) > 3, 'refused without a reason'
