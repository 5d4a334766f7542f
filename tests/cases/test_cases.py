"""Every case of cases.py must come out as it happened, also over IPv6 and with its segments cut and repeated."""

import json

import pytest
import rewrite as w
import truth
from cases import CASES, Scene, answer, ask, talk
from observe import watch_packets

EXACT = sorted(CASES)


def settle(roundtrips, exchanges):
    """Where a case allows several endings, the one that was reported becomes the truth (and must be right)."""
    wanted, left = [], list(roundtrips)
    for e in exchanges:
        if 'allowed' not in e and not e.get('optional'):
            wanted.append(e)
            continue
        for r in left:
            ends = e.get('allowed', [e['outcome']])
            marks = e.get('mark_if_answered', {})
            same = r['Proto'] == e['protocol'] and truth.client(r) == e['conn'] and r['Outcome'] in ends
            same = same and all(truth.READ[e['protocol']][k](r) == v for k, v in e['request'].items())
            same = same and all(truth.at(r, k) == v for k, v in marks.items() if k.startswith('Request') or r['Outcome'] == 'answered')
            if same:
                left.remove(r)
                wanted.append(dict(e, outcome=r['Outcome'], response=None, mark={}))
                break
        else:
            if not e.get('optional'):
                wanted.append(e)
    return wanted


@pytest.mark.parametrize('name', EXACT)
def test_case(name):
    packets, exchanges = CASES[name]()
    run = watch_packets(packets)
    truth.assert_exact(run.roundtrips, settle(run.roundtrips, exchanges), run.stderr[-1500:])


@pytest.mark.parametrize('name', sorted(n for n in CASES if not n.startswith(('both_copies', 'acknowledged_before', 'dns_asked_again'))))
def test_case_over_ipv6_in_pieces(name, rng):
    packets, exchanges = CASES[name]()
    names = w.ipv6_names(packets)
    run = watch_packets(w.random_split(w.to_ipv6(packets), rng))
    for r in run.roundtrips:
        r['Request']['Host'] = names[r['Request']['Host']]
    truth.assert_exact(run.roundtrips, settle(run.roundtrips, exchanges), run.stderr[-1500:])


def test_zero_window_is_told():
    packets, _ = CASES['zero_window']()
    first = next(r for r in watch_packets(packets).roundtrips if r['Request']['Method'] == 'POST')
    assert first['Network']['ZeroWindow'] >= 1, json.dumps(first)


def test_retransmissions_are_told():
    """Sent again after the usual time, not a second copy of the same packet."""
    s = Scene()
    c = s.connection().open()
    talk(s, c, [1])
    for n in (2, 3):
        asked = c.data('c', ask(n), ack=False)[0]
        for _ in range(n):
            s.clock.tick(210 * w.MS)
            c.put(asked.but(ts=s.clock.tick()))
        c.data('s', answer(n))
    run = watch_packets(s.packets)
    assert [r.get('Network', {}).get('Retransmits', 0) for r in run.roundtrips] == [0, 2, 3]
    assert [r['Duration'] for r in run.roundtrips][1:] == ['420.3ms', '630.4ms']


def test_refused_connection_is_counted():
    packets, _ = CASES['refused_connection']()
    assert 'refused' in json.dumps(watch_packets(packets).ledger)
