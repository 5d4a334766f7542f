"""Captures of which parts are missing: what is reported is a part of what happened, never a wrong pair, and the ledger adds up."""

import collections

import pytest
import recorded
import rewrite as w
import truth
from observe import watch_packets
from recorded import NAMES, load
from wire import FIN, RST, SYN, TCP, addr_text

BATCH = 100       # variants in one run, told apart by their addresses
MARKED = [n for n in NAMES if n != 'redis_resp3']


def back_home(run, names):
    """RoundTrips by variant, with the addresses of the recording."""
    by = collections.defaultdict(list)
    for r in run.roundtrips:
        a = [int(x) for x in r['Request']['Host'].split('.')]
        variant = (a[1] - 100) << 8 | a[2]
        for side in ('Request', 'Response'):
            if r.get(side):
                r[side]['Host'] = names[int(r[side]['Host'].split('.')[3])]
        by[variant].append(r)
    return by


def run_variants(name, variants):
    """Many variants of one recording, one after the other in one capture -> RoundTrips of each."""
    packets, names = load(name), {}
    for p in packets:
        for a in (p.src, p.dst):
            assert names.setdefault(a[3], addr_text(a)) == addr_text(a)
    span, out = packets[-1].ts - packets[0].ts + 10**9, []
    for n, v in enumerate(variants):
        out += [p.but(ts=p.ts + n * span) for p in w.rename(v, n)]
    by = back_home(watch_packets(out), names)
    return [by[n] for n in range(len(variants))]


def assert_subset(pairs, roundtrips, what):
    bad = pairs.wrong(roundtrips)
    assert not bad, '%s: %s' % (what, '\n'.join(bad[:3]))
    for r in roundtrips:
        assert r['Outcome'] in ('answered', 'lost', 'open', 'reset', 'no_response', 'oneway'), (what, r)


def owners(name):
    """Which exchanges have bytes in which packet, when heads and bodies all count: by the ids the bytes show. Only for connections
    that ask one thing at a time: everything from a request on, up to the next request, belongs to it."""
    current, out = {}, []
    marks = {}
    for n, e in enumerate(recorded.exchanges(name)):
        marks.setdefault(e['conn'], []).append(n)
    asked = collections.Counter()
    clients = {c: c for c in marks}
    for p in load(name):
        conn = next((c for c in ('%s:%d' % (addr_text(p.src), p.sport), '%s:%d' % (addr_text(p.dst), p.dport)) if c in clients), None)
        if conn and p.payload and '%s:%d' % (addr_text(p.src), p.sport) == conn and p.tags.get('again') is None:
            if current.get(conn, (None, False))[1] or conn not in current:
                current[conn] = (marks[conn][min(asked[conn], len(marks[conn]) - 1)], False)
                asked[conn] += 1
        elif conn and p.payload and conn in current:
            current[conn] = (current[conn][0], True)
        out.append({current[conn][0]} if conn in current and p.payload else set())
    return out


def following(exchanges, n, count):
    """The next exchanges of the same connection."""
    return [m for m in range(n + 1, len(exchanges)) if exchanges[m]['conn'] == exchanges[n]['conn']][:count]


@pytest.mark.parametrize('name', MARKED)
def test_each_packet_missing_in_turn(name):
    packets, exchanges = load(name), recorded.exchanges(name)
    pairs = truth.Pairs(exchanges)
    whole = pairs.found(recorded.base(name).roundtrips)
    lockstep = owners(name) if name in ('http_keepalive', 'redis_plain') else None
    # Redis clients often pipeline: after a loss some rounds must show that this one does not, before it is believed again
    slack = {'redis_plain': 3}.get(name, 0)
    for start in range(0, len(packets), BATCH):
        numbers = range(start, min(start + BATCH, len(packets)))
        for n, got in zip(numbers, run_variants(name, [w.drop_one(packets, n) for n in numbers])):
            what = '%s without packet %d (%d bytes)' % (name, n + 1, len(packets[n].payload))
            assert_subset(pairs, got, what)
            lost = whole - pairs.found(got)
            if not packets[n].payload and packets[n].proto == TCP and not packets[n].flags & (SYN | FIN | RST):
                assert not lost, '%s: a bare acknowledgement, but %d exchanges are gone' % (what, len(lost))
            elif lockstep is not None:
                allowed = lockstep[n] | {m for o in lockstep[n] for m in following(exchanges, o, slack)}
                assert lost <= allowed, '%s: exchanges %s are gone, too' % (what, sorted(lost - allowed))


@pytest.mark.parametrize('how', ['1%', '5%', '20%', 'bursts', 'snapped at 60', 'snapped at 8', 'one side'])
@pytest.mark.parametrize('name', MARKED)
def test_random_loss(name, how, rng):
    packets, pairs = load(name), truth.Pairs(recorded.exchanges(name))
    lose = {'1%': lambda: w.drop_random(packets, rng, 0.01), '5%': lambda: w.drop_random(packets, rng, 0.05),
            '20%': lambda: w.drop_random(packets, rng, 0.2), 'bursts': lambda: w.drop_burst(packets, rng),
            'snapped at 60': lambda: w.snap(packets, rng, 60), 'snapped at 8': lambda: w.snap(packets, rng, 8),
            'one side': lambda: w.drop_direction(packets, rng)}[how]
    rounds = 1 if how.startswith(('snapped', 'one')) else 30
    for n, got in enumerate(run_variants(name, [lose() for _ in range(rounds)])):
        assert_subset(pairs, got, '%s, %s, round %d' % (name, how, n))


@pytest.mark.parametrize('name', MARKED)
def test_loss_of_rewritten_packets(name, rng):
    """Losses among small, reordered, repeated segments."""
    packets, pairs = load(name), truth.Pairs(recorded.exchanges(name))
    variants = [w.drop_random(w.reorder(w.duplicate(w.random_split(packets, rng), rng, 0.1), rng), rng, 0.05) for _ in range(20)]
    for n, got in enumerate(run_variants(name, variants)):
        assert_subset(pairs, got, '%s, round %d' % (name, n))


@pytest.mark.parametrize('name', MARKED)
def test_start_missing_out_of_order(name, rng):
    """The capture begins midway, and its first packets are not in the order in which they were sent."""
    packets, pairs = load(name), truth.Pairs(recorded.exchanges(name))
    for _ in range(2):
        variants, said = [], []
        for _ in range(60):
            across, window, cut = rng.random() < 0.5, rng.choice([2, 6, 20]), rng.randrange(len(packets) * 3 // 4)
            moved = w.reorder(w.duplicate(packets[max(cut - 5, 0):cut + 150], rng, 0.2), rng, min(window, 8) if across else window, across)[min(cut, 5):]
            variants.append(w.retime(moved) if rng.random() < 0.5 else moved)
            said.append('%s from packet %d on, %d places%s' % (name, cut + 1, window, ' across' if across else ''))
        for what, got in zip(said, run_variants(name, variants)):
            assert_subset(pairs, got, what)


@pytest.mark.parametrize('name', MARKED)
def test_start_missing(name):
    packets, pairs = load(name), truth.Pairs(recorded.exchanges(name))
    cuts = sorted({len(packets) * k // 40 for k in range(1, 40)})
    for n, got in zip(cuts, run_variants(name, [packets[n:] for n in cuts])):
        what = '%s from packet %d on' % (name, n + 1)
        assert_subset(pairs, got, what)
        later = whole_after(name, n)
        missing = later - pairs.found(got)
        assert not missing, '%s: %d exchanges that came whole are not reported: %s' % (what, len(missing), [pairs.exchanges[m] for m in sorted(missing)[:2]])


def whole_after(name, n):
    """Exchanges of connections that begin after packet n, which nothing speaks against."""
    before = {'%s:%d' % (addr_text(a), port) for p in load(name)[:n] for a, port in ((p.src, p.sport), (p.dst, p.dport)) if p.proto == TCP}
    pairs = truth.Pairs(recorded.exchanges(name))
    return {m for m in pairs.found(recorded.base(name).roundtrips) if pairs.exchanges[m]['conn'] not in before and pairs.exchanges[m]['protocol'] != 'dns'}


@pytest.mark.parametrize('name', MARKED)
def test_end_missing(name):
    """Exchanges that were complete before the cut are all there; the others are open or not yet begun."""
    packets, pairs = load(name), truth.Pairs(recorded.exchanges(name))
    cuts = sorted({len(packets) * k // 25 for k in range(1, 25)})
    for n in cuts:
        run = watch_packets(packets[:n])
        assert_subset(pairs, run.roundtrips, '%s up to packet %d' % (name, n))
        assert not any(r['Outcome'] in ('lost', 'no_response') and r.get('Error') != 'skipped' for r in run.roundtrips), '%s up to packet %d' % (name, n)
