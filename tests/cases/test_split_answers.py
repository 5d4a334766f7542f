"""A server's buffer is full in the middle of an answer, and the client asks on meanwhile: the rest of that answer comes in one segment with the
answers to what was asked after the first part. Recorded from libpq in pipeline mode; each statement says how many rows it has."""

import os
import re

import observe

HERE = os.path.dirname(os.path.abspath(__file__))


def test_answers_behind_the_rest_of_another():
    run = observe.watch(os.path.join(HERE, 'split_answers.pcap'))
    rows = {}
    for r in run.roundtrips:
        asked = re.fullmatch(r'select generate_series\(1, (\d+)\)', r['Request']['Packet'].get('Statement', ''))
        if asked and r['Outcome'] == 'answered':
            rows[int(asked[1])] = r['Response']['Packet']['Rows']
    assert {35, 36, 37, 40} <= set(rows) and all(n == got for n, got in rows.items()), rows
    assert not [r for r in run.roundtrips if r['Outcome'] == 'lost']
