"""A request of which bytes were lost, where answers name their requests: it is reported with its answer, when that comes."""

import random

import recorded
import rewrite as w
import tcp
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


def frame(kind, flags, stream, payload=b''):
    return len(payload).to_bytes(3, 'big') + bytes((kind, flags)) + stream.to_bytes(4, 'big') + payload


def test_server_ends_after_a_hole():
    """HTTP/2: what waits is told when the server has ended, also where bytes before its end are missing; the client's RST_STREAM after
    that finds nothing any more. (The sums of the ledger are checked with every run.)"""
    packets, clock = [], tcp.Clock()
    c = tcp.Connection(packets, clock, sport=8080)
    get = b'\x82\x86\x84\x41\x04shop'  # GET http / shop
    c.open()
    c.data('c', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + frame(4, 0, 0) + frame(1, 5, 1, get))
    c.data('s', frame(4, 0, 0) + frame(1, 5, 1, b'\x88'))
    c.data('c', frame(1, 5, 3, get))
    c.data('s', frame(1, 4, 3, b'\x88'))  # an answer that goes on
    hole = len(packets)
    c.data('s', frame(6, 0, 0, b'12345678'))
    del packets[hole:]
    c.data('s', b'\xff' * 40, ack=False)
    c.send('s', tcp.FIN | tcp.ACK)
    clock.tick(3 * 10 ** 9)
    c.data('c', frame(3, 0, 3, bytes((0, 0, 0, 8))), ack=False)
    clock.tick(3 * 10 ** 9)
    c.send('c', tcp.FIN | tcp.ACK)
    run = watch_packets(packets)
    assert [(r['Request']['StreamID'], r['Outcome']) for r in run.roundtrips] == [(1, 'answered'), (3, 'lost')]
