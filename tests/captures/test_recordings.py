"""The recordings themselves, and the captures with golden output beside the protocols: output as it was agreed on."""

import glob
import json
import os

import pytest
import recorded
import truth
from observe import ROOT, watch


@pytest.mark.parametrize('name', recorded.NAMES)
def test_clients_log(name):
    run = recorded.base(name)
    truth.assert_exact(run.roundtrips, recorded.exchanges(name), run.stderr[-2000:])


GOLDEN = sorted(glob.glob(os.path.join(ROOT, 'src', 'proto', '*', '**', '*.pcap*'), recursive=True))


def golden_of(path):
    stem = path[:path.index('.pcap')]
    for candidate in (stem + '.json', stem + '.jsonl', stem + '.golden.json', stem + '.expected'):
        if os.path.exists(candidate):
            return candidate
    return None


@pytest.mark.parametrize('path', GOLDEN, ids=[os.path.relpath(p, ROOT) for p in GOLDEN])
def test_golden(path):
    """Line by line what is stored; tests/captures/golden.py writes it again after a wanted change."""
    golden = golden_of(path)
    assert golden, 'no golden JSON beside ' + path
    with open(golden, encoding='utf8') as f:
        want = [json.loads(line) for line in f if line.strip()]
    got = watch(path).roundtrips
    for g, w in zip(got, want):
        assert g == w
    assert len(got) == len(want)
