"""The store under ThreadSanitizer: workers, readers and reloads at once."""
import glob
import os
import subprocess

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
SOURCES = [os.path.join(ROOT, 'tests', 'metrics', 'registry_stress.c'), os.path.join(ROOT, 'src', 'util', 'buf.c'), os.path.join(ROOT, 'src', 'util', 'base.c')]
SOURCES += [f for f in glob.glob(os.path.join(ROOT, 'src', 'metrics', '*.c')) if not f.endswith('_test.c')]


@pytest.fixture(scope='module')
def stress(tmp_path_factory):
    program = str(tmp_path_factory.mktemp('stress') / 'registry_stress')
    command = ['gcc', '-std=gnu17', '-D_GNU_SOURCE', '-O1', '-g', '-fsanitize=thread', '-fno-strict-aliasing', '-I', os.path.join(ROOT, 'src'), *SOURCES, '-lxxhash', '-lm', '-pthread', '-o', program]
    r = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if r.returncode and 'tsan' in r.stderr:
        pytest.skip('no ThreadSanitizer here')
    assert r.returncode == 0, r.stderr
    return program


def test_nothing_races_and_nothing_is_lost(stress):
    r = subprocess.run([stress, '6000'], capture_output=True, text=True, timeout=240, env={**os.environ, 'TSAN_OPTIONS': 'halt_on_error=0:exitcode=66'})
    if 'unexpected memory mapping' in r.stderr:
        pytest.skip('ThreadSanitizer does not run on this kernel')
    assert r.returncode == 0 and 'WARNING: ThreadSanitizer' not in r.stderr, r.stdout + r.stderr[:6000]
