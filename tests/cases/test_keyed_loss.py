"""A request of which bytes were lost, where answers name their requests: it is reported with its answer, when that comes."""

import random

import recorded
import rewrite as w
from observe import watch_packets


def test_cut_request():
    name = 'mongodb_plain'
    packets = recorded.load(name)
    wanted = next(r for r in recorded.base(name).roundtrips if r['Request']['CmdName'] == 'insert' and r['Request']['Size'] > 5000)
    whole = next(p for p in packets if p.payload[4:8] == wanted['Request']['ID'].to_bytes(4, 'little'))
    pieces = w.small(packets, random.Random(1))
    lost = next(n for n, p in enumerate(pieces) if p.key == whole.key and p.payload and whole.seq + 3000 < p.seq < whole.seq + 5000)
    run = watch_packets(pieces[:lost] + pieces[lost + 1:])
    found = [n for n, r in enumerate(run.roundtrips) if r['Request']['ID'] == wanted['Request']['ID']]
    assert len(found) == 1
    r = run.roundtrips[found[0]]
    assert (r['Outcome'], r.get('Partial'), r['Response']['N']) == ('answered', True, wanted['Response']['N'])
    assert found[0] < 10 and len(run.roundtrips) == len(recorded.base(name).roundtrips)
