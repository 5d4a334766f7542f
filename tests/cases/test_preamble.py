"""What stands before a protocol, or instead of one: PROXY headers change nothing but ProxiedFrom; the X protocol is known by name."""

import os
import struct

import pytest
import recorded
import rewrite as w
import tcp
from observe import ROOT, short, watch, watch_packets
from recorded import NAMES, load
from wire import ACK, PSH, SYN, TCP

V2 = b'\r\n\r\n\0\r\nQUIT\n'
V4 = bytes([203, 0, 113, 7, 10, 0, 0, 1]) + struct.pack('>HH', 51234, 80)
V6 = bytes.fromhex('20010db8000000000000000000000007' '20010db8000000000000000000000001') + struct.pack('>HH', 51234, 80)
HEADERS = {
    'v1': (b'PROXY TCP4 203.0.113.7 10.0.0.1 51234 80\r\n', '203.0.113.7:51234'),
    'v1_ipv6': (b'PROXY TCP6 2001:db8::7 2001:db8::1 51234 80\r\n', '[2001:db8::7]:51234'),
    'v1_unknown': (b'PROXY UNKNOWN\r\n', None),
    'v2': (V2 + b'\x21\x11\0\x0c' + V4, '203.0.113.7:51234'),
    'v2_ipv6_more': (V2 + b'\x21\x21' + struct.pack('>H', 36 + 700) + V6 + b'\x04' + struct.pack('>H', 697) + b'\0' * 697, '[2001:db8::7]:51234'),
    'v2_local': (V2 + b'\x20\0\0\0', None),
}
STREAMS = [n for n in NAMES if any(p.proto == TCP for p in load(n))]


def proxied(packets, header, cut=False):
    """The same capture with this header before what the client of each connection says first."""
    opened, told, out = {p.conn: p.key for p in packets if p.proto == TCP and p.flags & (SYN | ACK) == SYN}, set(), []
    for p in packets:
        client = opened.get(p.conn)
        if client is None or p.flags & SYN:
            out.append(p)
            continue
        if p.payload and p.conn not in told:
            told.add(p.conn)
            syn = next(s for s in packets if s.key == client and s.flags & SYN)
            back = next(s for s in packets if s.conn == p.conn and s.flags & (SYN | ACK) == SYN | ACK)
            first = syn.but(ts=p.ts - 1000, seq=syn.seq + 1, ack=back.seq + 1, flags=ACK | PSH, options=b'', payload=header)
            out += w.pieces(first, range(1, len(header))) if cut else [first]
        moved = p.but(options=b'')
        if p.conn in told:
            moved = moved.but(seq=(p.seq + len(header)) % 2**32) if p.key == client else moved.but(ack=(p.ack + len(header)) % 2**32)
        out.append(moved)
    return out


def without(run):
    return [{k: v for k, v in r.items() if k not in ('ProxiedFrom', 'Network')} for r in run.roundtrips]


@pytest.mark.parametrize('name', STREAMS)
def test_headers_change_nothing(name):
    packets = load(name)
    plain = watch_packets([p.but(options=b'') if not p.flags & SYN else p for p in packets])
    opened = {p.src: 1 for p in packets if p.flags & (SYN | ACK) == SYN}
    assert opened and plain.roundtrips
    for kind, (header, source) in HEADERS.items():
        run = watch_packets(proxied(packets, header, cut=kind in ('v1', 'v2')))
        assert without(run) == without(plain), (kind, [short(a) for a, b in zip(without(run), without(plain)) if a != b][:3])
        assert {r.get('ProxiedFrom') for r in run.roundtrips} == {source}, kind
        assert run.ledger['flow']['unrecognised'] == plain.ledger['flow']['unrecognised']


@pytest.mark.parametrize('name, rule', [('http_keepalive', 'http'), ('redis_plain', 'redis'), ('mysql_plain', 'mysql'), ('pg_extended', 'postgresql')])
def test_with_a_rule(name, rule):
    """The protocol is chosen before the first byte."""
    packets = load(name)
    port = next(p.dport for p in packets if p.flags & (SYN | ACK) == SYN)
    plain = watch_packets([p.but(options=b'') if not p.flags & SYN else p for p in packets], '--proto', '%s;%d' % (rule, port))
    for header, source in HEADERS.values():
        run = watch_packets(proxied(packets, header), '--proto', '%s;%d' % (rule, port))
        assert without(run) == without(plain) and {r.get('ProxiedFrom') for r in run.roundtrips} == {source}


def talk(*steps, sport=33060, opened=True):
    packets = []
    c = tcp.Connection(packets, tcp.Clock(), sport=sport)
    if opened:
        c.open()
    for d, data in steps:
        c.data(d, data)
    return packets


HELLO = b'\5\0\0\0\x0b\x08\5\x1a\0'
GET = b'\1\0\0\0\1'
CAPABILITIES = b'\x11\0\0\0\2\x0a\x0e\x0a\3tls\x12\7\x08\1\x12\3\x08\7\x40'
START = b'\x12\0\0\0\4\x0a\7MYSQL41\x12\4data'


@pytest.mark.parametrize('options', [(), ('--proto', 'mysql;33060')], ids=str)
@pytest.mark.parametrize('steps', [[('s', HELLO), ('c', GET), ('s', CAPABILITIES)], [('c', GET), ('s', CAPABILITIES)], [('c', START), ('s', b'\5\0\0\0\3\x0a\2ab')],
                                   [('c', b'\x13\0\0\0\2\x0a\x10' + CAPABILITIES[5:])]])
def test_x_protocol(steps, options):
    run = watch_packets(talk(*steps), *options)
    assert not run.roundtrips and run.ledger['not_decoded'] == {'mysqlx': 1}
    assert '1 mysqlx, not decoded' in run.stderr


def test_not_the_x_protocol():
    """QUIT of a connection joined late has the same bytes as CapabilitiesGet; and elsewhere these bytes say nothing."""
    for packets in (talk(('c', GET), opened=False), talk(('c', GET), sport=4000), talk(('c', b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))):
        assert watch_packets(packets).ledger['not_decoded'] == {'mysqlx': 0}
    for name in ('mysql_plain', 'mysql_modern', 'mysql_compressed'):
        assert watch(recorded.path(name)).ledger['not_decoded'] == {'mysqlx': 0}
    assert watch(os.path.join(ROOT, 'src', 'proto', 'mysql', 'captures', 'mysql9.pcap')).ledger['not_decoded'] == {'mysqlx': 0}


def test_not_at_the_beginning():
    """A header is one only before everything else."""
    header = HEADERS['v1'][0]
    request = b'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    run = watch_packets(talk(('c', request), ('s', answer), ('c', header + request), ('s', answer), sport=80))
    assert 'ProxiedFrom' not in str(run.roundtrips)
    run = watch_packets(talk(('c', header + request), ('s', answer), sport=80))
    r, = run.roundtrips
    assert (r['Request']['Path'], r['Response']['StatusCode'], r['ProxiedFrom'], r['Outcome']) == ('/a', 200, '203.0.113.7:51234', 'answered')
    run = watch_packets(talk(('s', header), ('c', request), sport=80))
    assert 'ProxiedFrom' not in str(run.roundtrips)
