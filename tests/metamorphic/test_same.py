"""What was said does not change when the packets that carried it do: each recording, rewritten, gives the same RoundTrips."""

import os
import random
import tempfile

import capfile
import observe
import pytest
import recorded
import rewrite as w
import wire
from observe import CLOSING, NETWORK, SAME, TIMES, assert_same, watch, watch_frames, watch_packets
from recorded import NAMES, load


@pytest.mark.parametrize('name', NAMES)
def test_same_output_every_time(name):
    a, b = (watch(recorded.path(name)).roundtrips for _ in range(2))
    assert a == b


# rewriting -> fields that may change with it
REWRITINGS = {
    'bytewise': (w.bytewise, NETWORK),
    'small pieces': (w.small, NETWORK),
    'random pieces': (w.random_split, NETWORK),
    'merged': (w.merge, TIMES),
    'reordered': (w.reorder, CLOSING),
    'reordered, times in order': (lambda p, r: w.retime(w.reorder(p, r)), TIMES),
    'reordered across directions': (w.reorder_across, CLOSING),
    'neighbours swapped': (w.swap, NETWORK),
    'every segment twice': (w.duplicate, NETWORK),
    'some segments twice': (lambda p, r: w.duplicate(p, r, 0.3), NETWORK),
    'overlapping': (w.overlap, TIMES),
    'sequence wrap': (w.shift_sequence, NETWORK),
    'keep-alive probes': (w.keepalives, NETWORK),
    'IPv6': (w.to_ipv6, SAME),
    'two interfaces': (w.two_interfaces, NETWORK),
    'tagged and untagged': (w.tagged_twice, NETWORK),
    'another day': (w.other_time, TIMES),
    'pieces, reordered': (lambda p, r: w.reorder(w.random_split(p, r), r), CLOSING),
    'pieces, wrap, overlap, IPv6': (lambda p, r: w.to_ipv6(w.overlap(w.shift_sequence(w.random_split(p, r), r), r)), TIMES),
    'bytes, twice, reordered': (lambda p, r: w.reorder(w.duplicate(w.small(p, r), r, 0.2), r), TIMES),
}


@pytest.mark.parametrize('rewriting', REWRITINGS)
@pytest.mark.parametrize('name', NAMES)
def test_rewritten(name, rewriting, rng):
    change, without = REWRITINGS[rewriting]
    packets = load(name)
    run = watch_packets(change(packets, rng))
    assert_same(run, recorded.base(name), without, w.ipv6_names(packets) if 'IPv6' in rewriting else None)


# a probe of bytes that are still to come is no probe; copies of packets are told apart by their times
NOT_TOGETHER = ('bytewise', 'two interfaces', 'tagged and untagged', 'keep-alive probes')


@pytest.mark.parametrize('seed', range(int(os.environ.get('METAMORPHIC_ROUNDS', '24'))))
def test_several_rewritings(seed):
    """Three rewritings one after the other, on any recording."""
    rng = random.Random('%s several %d' % (os.environ.get('PACKETD_TEST_SEED', '1'), seed))
    name, chosen = rng.choice(NAMES), rng.sample(sorted(c for c in REWRITINGS if 'IPv6' not in c and c not in NOT_TOGETHER), 3)
    chosen.sort(key=lambda c: 'reordered' in c)
    packets = load(name)
    for c in chosen:
        packets = REWRITINGS[c][0](packets, rng)
    try:
        assert_same(watch_packets(packets), recorded.base(name), TIMES)
    except AssertionError as e:
        raise AssertionError('%s: %s: %s' % (name, ', '.join(chosen), e)) from e


@pytest.mark.parametrize('encapsulation', sorted(wire.ENCAPSULATIONS))
@pytest.mark.parametrize('name', ['http_keepalive', 'redis_resp3', 'dns_udp'])
def test_encapsulated(name, encapsulation):
    assert_same(watch_packets(load(name), encapsulation=encapsulation), recorded.base(name), SAME)


@pytest.mark.parametrize('encapsulation', sorted(set(wire.ENCAPSULATIONS) - {'sll', 'raw', 'loop'}))
def test_encapsulated_ipv6(encapsulation):
    packets = load('http_keepalive')
    run = watch_packets(w.to_ipv6(packets), encapsulation=encapsulation)
    assert_same(run, recorded.base('http_keepalive'), SAME, w.ipv6_names(packets))


@pytest.mark.parametrize('order', ['in', 'reverse', 'shuffle'])
@pytest.mark.parametrize('version', [4, 6])
@pytest.mark.parametrize('name', ['http_keepalive', 'dns_udp', 'redis_plain'])
def test_fragments(name, version, order, rng):
    packets = load(name)
    names = None
    if version == 6:
        names, packets = w.ipv6_names(packets), w.to_ipv6(packets)
    run = watch_frames(w.fragmented(packets, rng, rng.choice([64, 256, 576]), order))
    assert_same(run, recorded.base(name), NETWORK, names)


def test_snapped_bodies():
    assert_same(watch_packets(w.snap_bodies(load('http_keepalive'))), recorded.base('http_keepalive'), SAME)


def frames(name):
    return [wire.frame(p) for p in load(name)]


FILES = {
    'le_us.pcap': lambda f: capfile.pcap_bytes(f, '<', False),
    'be_us.pcap': lambda f: capfile.pcap_bytes(f, '>', False),
    'le_ns.pcap': lambda f: capfile.pcap_bytes(f, '<', True),
    'be_ns.pcap': lambda f: capfile.pcap_bytes(f, '>', True),
    'le.pcapng': lambda f: capfile.pcapng_bytes(f, '<'),
    'be.pcapng': lambda f: capfile.pcapng_bytes(f, '>', noise=True),
    'noise.pcapng': lambda f: capfile.pcapng_bytes(f, '<', noise=True),
    'us.pcapng': lambda f: capfile.pcapng_bytes(f, '<', (6,)),
    'two.pcapng': lambda f: capfile.pcapng_bytes(f, '>', (0x80 | 30,)),
    'ns.pcap.gz': lambda f: capfile.pcap_bytes(f),
    'ns.pcap.zst': lambda f: capfile.pcap_bytes(f),
    'x.pcapng.gz': lambda f: capfile.pcapng_bytes(f, '<'),
    'x.pcapng.zst': lambda f: capfile.pcapng_bytes(f, '<'),
}


@pytest.mark.parametrize('file', FILES)
@pytest.mark.parametrize('name', ['http_misc', 'dns_tcp'])
def test_file_formats(name, file, tmp_path):
    run = watch(capfile.write(tmp_path / file, FILES[file](frames(name))))
    coarse = 'us' in file or 'two' in file
    assert_same(run, recorded.base(name), TIMES if coarse else SAME)


@pytest.mark.parametrize('file', ['le_us.pcap', 'noise.pcapng', 'ns.pcap.gz', 'x.pcapng.zst'])
def test_standard_input(file, tmp_path):
    path = capfile.write(tmp_path / file, FILES[file](frames('http_misc')))
    with open(path, 'rb') as f:
        run = watch('-', stdin=f.read())
    assert_same(run, recorded.base('http_misc'), TIMES if 'us' in file else SAME)


def test_interfaces_of_different_kinds(rng):
    """Each connection on an interface of its own, with its own link type and resolution of time, in one pcapng."""
    kinds = ['ethernet', 'sll', 'raw', 'sll2', 'null_little']
    conns, out = {}, []
    for p in load('http_misc'):
        n = conns.setdefault(p.conn, len(conns)) % len(kinds)
        out.append(wire.frame(p.but(iface=n), kinds[n]))
    with tempfile.TemporaryDirectory() as d:
        run = watch(capfile.write(d + '/kinds.pcapng', capfile.pcapng_bytes(out, '<', (9, 6, 0x80 | 32, 3))))
    assert_same(run, recorded.base('http_misc'), TIMES)


def test_two_recordings_at_once():
    """Interleaved in time, they give what each gives."""
    names = ['http_misc', 'redis_plain', 'dns_udp', 'http_pipelined', 'dns_tcp', 'redis_pipelined']
    packets = []
    for n in names:
        mine = load(n)
        packets += [p.but(ts=p.ts - mine[0].ts + 10**18) for p in mine]
    run = watch_packets(sorted(packets, key=lambda p: p.ts))
    want = observe.Run([r for n in names for r in recorded.base(n).roundtrips], None, '')
    assert_same(run, want, TIMES)


@pytest.mark.parametrize('share', [0.1, 0.5, 0.9, 0.999])
def test_file_cut_short(share, tmp_path):
    """Everything before the cut is reported, then a clear warning, and the exit code is 0."""
    whole, data = load('http_keepalive'), capfile.pcap_bytes(frames('http_keepalive'))
    cut = data[:int(len(data) * share)]
    left = len(capfile.read(capfile.write(tmp_path / 'whole.pcap', cut))) - 1  # the last one is not whole
    run = watch(capfile.write(tmp_path / 'cut.pcap', cut))
    assert_same(run, watch_packets(whole[:left]), SAME)
    assert 'cut' in run.stderr.lower() or 'truncated' in run.stderr.lower(), run.stderr
