"""What other observers got wrong, as captures made here: each case is a function that returns packets and the exchanges in them.

A case is written as the conversation took place; the test compares every field of the truth. `case` collects them by name."""

import random
import struct

import rewrite as w
import wire
from tcp import MS, Clock, Connection, datagram
from wire import ACK, FIN, PSH, RST, SEQ, SYN, UDP, Packet, addr

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Scene:
    """Packets, their clock, and the truth."""

    def __init__(self):
        self.packets, self.exchanges, self.clock = [], [], Clock()

    def connection(self, cport=40000, sport=80, **more):
        return Connection(self.packets, self.clock, cport, sport, **more)

    def http(self, conn, n, outcome='answered', status=200, method='GET', url=None, mark=True):
        url = url or '/item/%d' % n
        e = {'protocol': 'http', 'conn': conn.label, 'request': {'method': method, 'url': url},
             'response': {'status': status} if outcome == 'answered' else None, 'outcome': outcome}
        if outcome == 'answered' and mark:
            e['mark'] = {'request': {'Request.URL': url}, 'response': {'Response.Header.X-Item.0': str(n)}}
        self.exchanges.append(e)

    def dns(self, client, n, outcome='answered', rcode='NOERROR', transport='udp'):
        e = {'protocol': 'dns', 'conn': client, 'request': {'name': 'n%d.test' % n, 'type': 'A', 'transport': transport},
             'response': {'rcode': rcode} if outcome == 'answered' else None, 'outcome': outcome}
        if outcome == 'answered' and rcode == 'NOERROR':
            e['mark'] = {'response': {'Response.Message.AnswerSec.0.Record': '10.0.0.%d' % n}}
        self.exchanges.append(e)

    def redis(self, conn, command, outcome='answered', error=False, size=None):
        e = {'protocol': 'redis', 'conn': conn.label, 'request': {'command': command}, 'outcome': outcome,
             'response': {'error': error} if outcome == 'answered' else None}
        if size is not None:
            e['mark'] = {'response': {'Response.Size': size}}
        self.exchanges.append(e)

    def done(self):
        return self.packets, self.exchanges


def ask(n, method='GET', more='', body=b'', version='1.1'):
    return ('%s /item/%d HTTP/%s\r\nHost: test\r\n%s\r\n' % (method, n, version, more)).encode() + body


def answer(n, size=10, status='200 OK', more='', length=True, version='1.1'):
    head = 'HTTP/%s %s\r\nX-Item: %d\r\n%s%s\r\n' % (version, status, n, 'Content-Length: %d\r\n' % size if length else '', more)
    return head.encode() + (b'body %d ' % n * (size // 6 + 1))[:size]


def talk(scene, conn, numbers, size=10):
    """Plain exchanges one after the other."""
    for n in numbers:
        conn.data('c', ask(n))
        conn.data('s', answer(n, size))
        scene.http(conn, n)


# ---- how bytes are cut into segments ----

@case
def header_split_over_segments():
    s = Scene()
    c = s.connection().open()
    for n in range(1, 12):
        c.data('c', ask(n), 5 * n)
        c.data('s', answer(n), 7 * n)
        s.http(c, n)
    c.close()
    return s.done()


@case
def one_byte_segments():
    s = Scene()
    c = s.connection().open()
    for n in range(1, 4):
        c.data('c', ask(n), 1)
        c.data('s', answer(n, 30), 1)
        s.http(c, n)
    c.close()
    return s.done()


@case
def pipelined_requests():
    s = Scene()
    c = s.connection().open()
    for first in (1, 11, 21):
        numbers = range(first, first + 10)
        c.data('c', b''.join(map(ask, numbers)), 100 if first == 11 else None)
        c.data('s', b''.join(map(answer, numbers)), 100 if first == 21 else None)
        for n in numbers:
            s.http(c, n)
    c.close()
    return s.done()


@case
def pipelined_answers_while_asking():
    """The answers to the first requests come before the last requests are sent."""
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1) + ask(2) + ask(3))
    c.data('s', answer(1, 3000))
    c.data('c', ask(4) + ask(5)[:20])
    c.data('s', answer(2) + answer(3))
    c.data('c', ask(5)[20:])
    c.data('s', answer(4) + answer(5))
    for n in range(1, 6):
        s.http(c, n)
    c.close()
    return s.done()


@case
def first_segment_of_answer_out_of_order():
    s = Scene()
    c = s.connection().open()
    for n in range(1, 8):
        c.data('c', ask(n))
        c.data('s', answer(n, 4000))
        a = len(s.packets) - 4
        s.packets[a], s.packets[a + 1] = s.packets[a + 1], s.packets[a]
        s.http(c, n)
    c.close()
    return s.done()


@case
def overlapping_retransmissions():
    s = Scene()
    c = s.connection().open()
    talk(s, c, range(1, 20), 3000)
    c.close()
    return w.overlap(s.packets, random.Random(5)), s.exchanges


@case
def overlap_with_other_bytes():
    """A retransmission that says something else: the first bytes seen are the ones the receiver read."""
    s = Scene()
    c = s.connection().open()
    p = c.data('c', ask(1), ack=False)[0]
    c.put(p.but(payload=ask(9), ts=s.clock.tick()))
    c.put(p.but(payload=ask(9)[:10], ts=s.clock.tick()))
    p = c.data('s', answer(1))[0]
    c.put(p.but(payload=answer(7), ts=s.clock.tick()))
    s.http(c, 1)
    talk(s, c, [2, 3])
    return s.done()


@case
def data_in_the_syn():
    """TCP Fast Open."""
    s = Scene()
    c = s.connection()
    c.send('c', SYN, ask(1))
    c.send('s', SYN | ACK)
    c.data('s', answer(1))
    s.http(c, 1)
    talk(s, c, [2])
    c.close()
    return s.done()


# ---- ports and sequence numbers used again ----

@case
def port_reuse_after_rst():
    s = Scene()
    for n in range(1, 6):
        c = s.connection(seq=(4_000_000_000 - n * 700_000_000, n * 600_000_000)).open()
        talk(s, c, [n])
        c.reset('c' if n % 2 else 's')
    return s.done()


@case
def port_reuse_after_fin():
    s = Scene()
    for n in range(1, 6):
        c = s.connection(seq=(n * 1000, 1000 - n)).open()
        talk(s, c, [n])
        c.close('s' if n % 2 else 'c')
    return s.done()


@case
def port_reuse_without_an_end():
    """The end of the first connection was not captured; the first was waiting for an answer."""
    s = Scene()
    c = s.connection(seq=(1000, 2000)).open()
    talk(s, c, [1])
    c.data('c', ask(2))
    s.http(c, 2, 'reset')
    s.clock.tick(5000 * MS)
    c = s.connection(seq=(3_000_000_000, 70)).open()
    talk(s, c, [3, 4])
    c.close()
    return s.done()


@case
def answer_of_an_earlier_connection():
    """A late segment of the connection before, on the same ports, is no answer to the new request."""
    s = Scene()
    old = s.connection(seq=(1000, 1_500_000_000)).open()
    old.data('c', ask(1))
    s.http(old, 1, 'reset')
    old.reset('c')
    c = s.connection(seq=(2_000_000_000, 3_500_000_000)).open()
    c.data('c', ask(2))
    old.send('s', ACK | PSH, answer(1))
    c.data('s', answer(2))
    s.http(c, 2)
    old.send('s', ACK | PSH, answer(8))
    talk(s, c, [3])
    c.close()
    return s.done()


def wrapped(at, n=4, size=6000):
    """Exchanges on a connection whose server side passes 2^32 `at` bytes after its first."""
    s = Scene()
    c = s.connection(seq=(SEQ - 60, SEQ - 1 - at)).open()
    talk(s, c, range(1, n + 1), size)
    c.close()
    return s.done()


@case
def sequence_wrap_inside_a_body():
    return wrapped(8000)


@case
def sequence_wrap_inside_a_header():
    return wrapped(20)


@case
def sequence_wrap_between_messages():
    return wrapped(len(answer(1, 6000)))


@case
def sequence_wrap_out_of_order():
    packets, exchanges = wrapped(8000)
    return w.swap(packets, None), exchanges


# ---- what was lost by the capture ----

def losing(direction, where, optional=False):
    """Five exchanges; of the third, the segments that `where` names are missing."""
    s = Scene()
    c = s.connection().open()
    for n in range(1, 6):
        q = c.data('c', ask(n, more='X-Long: %s\r\n' % ('a' * 3000)), 1000)
        a = c.data('s', answer(n, 8000, more='X-Long: %s\r\n' % ('b' * 2000)), 1000)
        if n == 3:
            for i in where:
                s.packets.remove((q if direction == 'c' else a)[i])
        s.http(c, n, 'lost' if n == 3 and min(where) < 3 else 'answered')
    c.close()
    return s.packets, [dict(e, optional=True) if optional and e['outcome'] == 'lost' else e for e in s.exchanges]


@case
def lost_segment_in_a_body():
    return losing('s', [5])


@case
def lost_segments_in_a_body():
    return losing('s', [4, 6, 7])


@case
def lost_last_segment_of_a_body():
    return losing('s', [10])


@case
def lost_segment_in_an_answers_header():
    return losing('s', [1])


@case
def lost_first_segment_of_an_answer():
    return losing('s', [0])


@case
def lost_segment_in_a_requests_header():
    """Its beginning alone makes no request; its answer is counted as one without a request."""
    return losing('c', [1], optional=True)


@case
def lost_first_segment_of_a_request():
    return losing('c', [0], optional=True)


@case
def lost_whole_exchange():
    """Request and answer fall into the hole: the ones around it are right."""
    s = Scene()
    c = s.connection().open()
    for n in range(1, 8):
        sent = c.data('c', ask(n)) + c.data('s', answer(n, 300))
        if n == 4:
            for p in sent:
                s.packets.remove(p)
        else:
            s.http(c, n)
    c.close()
    return s.done()


@case
def lost_answer_then_next_exchange():
    """The whole answer is lost, its acknowledgement is not; the next answer belongs to the next request."""
    s = Scene()
    c = s.connection().open()
    for n in range(1, 6):
        c.data('c', ask(n))
        sent = c.data('s', answer(n, 300))
        if n == 2:
            s.packets.remove(sent[0])
        s.http(c, n, 'lost' if n == 2 else 'answered')
    c.close()
    return s.done()


@case
def lost_and_sent_again():
    """Lost on the wire before the tap: the retransmission fills the hole, much later."""
    s = Scene()
    c = s.connection().open()
    talk(s, c, [1])
    c.data('c', ask(2))
    sent = c.data('s', answer(2, 5000))
    s.packets.remove(sent[0])
    s.packets.pop()
    c.send('c', ack=sent[0].seq)
    s.clock.tick(210 * MS)
    c.put(sent[0].but(ts=s.clock.tick()))
    c.send('c')
    s.http(c, 2)
    talk(s, c, [3])
    c.close()
    return s.done()


@case
def joined_inside_a_body():
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1))
    c.data('s', answer(1, 20000))
    start = len(s.packets) - 6
    talk(s, c, [2, 3, 4], 3000)
    c.close()
    return s.packets[start:], s.exchanges


@case
def joined_between_exchanges():
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1))
    c.data('s', answer(1))
    start = len(s.packets)
    talk(s, c, [2, 3, 4])
    return s.packets[start:], s.exchanges


@case
def joined_between_request_and_answer():
    """The first answer has no request: no exchange; those after it are right."""
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1))
    start = len(s.packets)
    c.data('s', answer(1))
    talk(s, c, [2, 3, 4])
    return s.packets[start:], s.exchanges


@case
def one_sided_requests_only():
    """Asymmetric routing: only one side is seen. Whatever the ledger calls them, they are not answered."""
    s = Scene()
    c = s.connection().open()
    talk(s, c, range(1, 6))
    c.close()
    client = c.ends['c'][0]
    return [p for p in s.packets if p.src == client], [dict(e, outcome='lost', response=None, mark={}, allowed=['lost', 'no_response', 'open', 'reset']) for e in s.exchanges]


@case
def one_sided_answers_only():
    s = Scene()
    c = s.connection().open()
    talk(s, c, range(1, 6))
    c.close()
    server = c.ends['s'][0]
    return [p for p in s.packets if p.src == server], []


# ---- the order in which a tap shows packets ----

@case
def acknowledged_before_seen():
    """A mirror port shows the server's packets before the client's: answers before their requests."""
    s = Scene()
    c = s.connection().open()
    talk(s, c, range(1, 10), 2000)
    c.close()
    server = c.ends['s'][0]
    packets = sorted(enumerate(s.packets), key=lambda e: (e[0] - 3.5 if e[1].src == server and e[0] > 3 else e[0]))
    return w.retime([p for _, p in packets]), s.exchanges


@case
def both_copies_of_two_interfaces():
    s = Scene()
    for n in range(6):
        c = s.connection(41000 + n).open()
        talk(s, c, range(n * 10 + 1, n * 10 + 6), 1500)
        c.close()
    return w.two_interfaces(s.packets, random.Random(4), 350_000), s.exchanges


@case
def many_connections_interleaved():
    s = Scene()
    conns = [s.connection(42000 + n % 5, client='10.0.1.%d' % (n // 5 + 1)).open() for n in range(40)]
    for turn in range(5):
        for n, c in enumerate(conns):
            c.data('c', ask(turn * 100 + n))
        for n, c in enumerate(conns):
            c.data('s', answer(turn * 100 + n, 50))
            s.http(c, turn * 100 + n)
    return s.done()


# ---- what TCP does beside carrying data ----

@case
def keep_alive_probes():
    s = Scene()
    c = s.connection().open()
    for n in range(1, 6):
        talk(s, c, [n])
        s.clock.tick(1000 * MS)
        c.send('c', ACK, b'\0' if n % 2 else b'', seq=c.next['c'] - 1)
        c.send('s')
        c.send('s', ACK, b'\0', seq=c.next['s'] - 1)
        c.send('c')
    c.close()
    return s.done()


@case
def zero_window():
    """The server stops reading in the middle of an upload; the client probes with one byte at a time."""
    s = Scene()
    c = s.connection().open()
    whole = ask(1, 'POST', 'Content-Length: 5000\r\n', b'u' * 5000)
    c.data('c', whole[:3000], ack=False)
    c.send('s', window=0)
    for _ in range(3):
        s.clock.tick(300 * MS)
        c.send('c', ACK, whole[3000:3001], seq=c.next['c'])
        c.send('s', window=0)
    c.send('s', window=60000)
    c.data('c', whole[3000:])
    c.data('s', answer(1))
    s.http(c, 1, method='POST')
    talk(s, c, [2])
    c.close()
    return s.done()


@case
def half_close():
    """The client ends its side after asking; the server answers all the same."""
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1) + ask(2))
    c.send('c', FIN | ACK)
    c.send('s')
    s.clock.tick(500 * MS)
    c.data('s', answer(1, 5000))
    c.data('s', answer(2))
    c.send('s', FIN | ACK)
    c.send('c')
    s.http(c, 1)
    s.http(c, 2)
    return s.done()


@case
def fin_with_the_last_bytes():
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1, more='Connection: close\r\n'))
    c.send('s', FIN | ACK | PSH, answer(1, 700, more='Connection: close\r\n'))
    c.send('c', FIN | ACK)
    s.http(c, 1)
    return s.done()


@case
def fin_before_the_last_bytes():
    """The FIN overtakes the data before it."""
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1))
    c.data('s', answer(1, 3000, length=False, more='Connection: close\r\n'), ack=False)
    c.send('s', FIN | ACK)
    s.packets[-1], s.packets[-2] = s.packets[-2], s.packets[-1]
    c.send('c', FIN | ACK)
    c.send('s')
    s.http(c, 1)
    return s.done()


@case
def segments_after_the_end():
    """Retransmissions after FIN and after RST begin no new connection and repeat no exchange."""
    s = Scene()
    c = s.connection().open()
    talk(s, c, [1])
    sent = s.packets[-2]
    c.close()
    c.put(sent.but(ts=s.clock.tick()))
    c.send('s', FIN | ACK, seq=c.next['s'] - 1)
    d = s.connection(40001).open()
    talk(s, d, [2])
    sent = s.packets[-2]
    d.reset()
    d.put(sent.but(ts=s.clock.tick()))
    d.reset()
    return s.done()


@case
def refused_connection():
    """A SYN answered by RST carried no request: on a port that says which protocol was meant it is told all the same, without one.
    Tried again it works."""
    s = Scene()
    c = s.connection()
    s.exchanges.append({'protocol': 'http', 'conn': c.label, 'request': {'method': ''}, 'response': None, 'outcome': 'reset'})
    c.send('c', SYN)
    c.send('s', RST | ACK)
    s.clock.tick(1000 * MS)
    c = s.connection(seq=(70, 80)).open()
    talk(s, c, [1])
    c.close()
    return s.done()


def unanswered(end):
    s = Scene()
    c = s.connection().open()
    talk(s, c, [1])
    c.data('c', ask(2))
    s.clock.tick(50 * MS)
    end(s, c)
    return s, c


@case
def request_then_rst():
    s, c = unanswered(lambda s, c: c.reset())
    s.http(c, 2, 'reset')
    return s.done()


@case
def request_then_client_rst():
    s, c = unanswered(lambda s, c: c.reset('c'))
    s.http(c, 2, 'reset')
    return s.done()


@case
def request_then_fin():
    s, c = unanswered(lambda s, c: c.close('s'))
    s.http(c, 2, 'reset')
    return s.done()


@case
def request_then_nothing():
    """Nothing more for ten minutes, while other connections go on."""
    s, c = unanswered(lambda s, c: None)
    s.http(c, 2, 'no_response')
    for n in range(10, 40):
        s.clock.tick(20_000 * MS)
        d = s.connection(43000 + n).open()
        talk(s, d, [n])
        d.close()
    return s.done()


@case
def request_at_the_end_of_the_capture():
    s, c = unanswered(lambda s, c: None)
    s.http(c, 2, 'open')
    return s.done()


@case
def reset_inside_a_body():
    s = Scene()
    c = s.connection().open()
    talk(s, c, [1])
    c.data('c', ask(2))
    c.data('s', answer(2, 9000)[:4000])
    c.reset()
    s.http(c, 2, 'reset')
    return s.done()


@case
def closed_inside_a_body():
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1))
    c.data('s', answer(1, 9000)[:4000])
    c.close('s')
    s.http(c, 1, 'reset')
    return s.done()


# ---- HTTP ----

@case
def head_with_content_length():
    s = Scene()
    c = s.connection().open()
    for n in range(1, 6):
        method = 'HEAD' if n % 2 else 'GET'
        c.data('c', ask(n, method))
        c.data('s', answer(n, 2000) if method == 'GET' else answer(n, 2000)[:-2000])
        s.http(c, n, method=method)
    c.close()
    return s.done()


@case
def connection_close_without_length():
    s = Scene()
    for n, version in ((1, '1.1'), (2, '1.0'), (3, '1.1')):
        c = s.connection(40000 + n).open()
        c.data('c', ask(n, version=version))
        c.data('s', answer(n, 5000, length=False, more='Connection: close\r\n', version=version))
        c.close('s')
        s.http(c, n)
    return s.done()


@case
def continue_100():
    s = Scene()
    c = s.connection().open()
    for n in range(1, 5):
        whole = ask(n, 'POST', 'Content-Length: 3000\r\nExpect: 100-continue\r\n', b'p' * 3000)
        c.data('c', whole[:-3000])
        if n != 3:
            c.data('s', b'HTTP/1.1 100 Continue\r\n\r\n')
        c.data('c', whole[-3000:])
        if n == 4:
            c.data('s', b'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n')
        c.data('s', answer(n, 20, '201 Created'))
        s.http(c, n, status=201, method='POST')
    c.close()
    return s.done()


@case
def refused_upload():
    """417 and 413 before the body is sent: without it the connection ends, with it the next request follows."""
    s = Scene()
    c = s.connection().open()
    whole = ask(1, 'POST', 'Content-Length: 6000\r\n', b'p' * 6000)
    c.data('c', whole[:2000])
    c.data('s', answer(1, 5, '413 Content Too Large'))
    c.data('c', whole[2000:])
    s.http(c, 1, status=413, method='POST')
    talk(s, c, [2])
    c.close()
    return s.done()


@case
def chunked_with_trailers():
    s = Scene()
    c = s.connection().open()
    for n, size in ((1, None), (2, 1), (3, 9)):
        c.data('c', ask(n, 'POST', 'Transfer-Encoding: chunked\r\n', b'5;x=1\r\nhello\r\n00\r\nX-Sum: 1\r\n\r\n'), size)
        c.data('s', answer(n, 0, length=False, more='Transfer-Encoding: chunked\r\nTrailer: X-End\r\n')
               + b'a\r\n0123456789\r\n1F4\r\n' + b'\r\n0\r\n\r\n' * 71 + b'123' + b'\r\n0;last\r\nX-End: yes\r\n\r\n', size)
        s.http(c, n, method='POST')
    c.close()
    return s.done()


@case
def no_body_by_status():
    s = Scene()
    c = s.connection().open()
    for n, status in ((1, '204 No Content'), (2, '304 Not Modified'), (3, '200 OK')):
        c.data('c', ask(n))
        c.data('s', answer(n, 500, status)[:None if n == 3 else -500])
        s.http(c, n, status=int(status[:3]))
    c.close()
    return s.done()


@case
def tunnel_after_connect():
    """Bytes in a tunnel that look like requests are none."""
    s = Scene()
    c = s.connection(sport=3128).open()
    c.data('c', b'CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n')
    c.data('s', b'HTTP/1.1 200 Connection established\r\nX-Item: 1\r\n\r\n')
    s.exchanges.append({'protocol': 'http', 'conn': c.label, 'request': {'method': 'CONNECT'}, 'response': {'status': 200}, 'outcome': 'answered'})
    c.data('c', b'\x16\x03\x01\x00\x05' + bytes(range(200)))
    c.data('s', b'\x16\x03\x03\x00\x05' + bytes(range(200)))
    c.data('c', b'\x17\x03\x03\x00\x30' + b'q' * 48)
    c.close()
    return s.done()


@case
def websocket_after_upgrade():
    s = Scene()
    c = s.connection().open()
    c.data('c', ask(1, more='Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'))
    c.data('s', b'HTTP/1.1 101 Switching Protocols\r\nX-Item: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    s.http(c, 1, status=101)
    c.data('c', b'\x81\x85abcd' + ask(7))
    c.data('s', b'\x81\x05hello' + answer(7))
    c.close()
    return s.done()


@case
def empty_lines_and_bare_newlines():
    s = Scene()
    c = s.connection().open()
    c.data('c', b'\r\n\r\n' + ask(1))
    c.data('s', answer(1))
    c.data('c', ask(2).replace(b'\r\n', b'\n'))
    c.data('s', answer(2, 0).replace(b'\r\n', b'\n'))
    s.http(c, 1)
    s.http(c, 2)
    talk(s, c, [3])
    c.close()
    return s.done()


@case
def http_on_an_unusual_port():
    s = Scene()
    for n, port in enumerate((8123, 5432, 6379, 53, 27017), 1):
        c = s.connection(40000 + n, port).open()
        talk(s, c, [n])
        c.close()
    return s.done()


# ---- DNS ----

def name(n):
    label = b'n%d' % n
    return bytes([len(label)]) + label + b'\4test\0'


def query(ident, n):
    return struct.pack('>HHHHHH', ident, 0x0100, 1, 0, 0, 0) + name(n) + struct.pack('>HH', 1, 1)


def reply(ident, n, rcode=0, flags=0x8180):
    answers = 0 if rcode else 1
    record = struct.pack('>HHHIH', 0xc00c, 1, 1, 60, 4) + bytes([10, 0, 0, n]) if answers else b''
    return struct.pack('>HHHHHH', ident, flags | rcode, 1, answers, 0, 0) + name(n) + struct.pack('>HH', 1, 1) + record


def framed(*messages):
    return b''.join(struct.pack('>H', len(m)) + m for m in messages)


@case
def dns_over_tcp_several_in_a_segment():
    s = Scene()
    c = s.connection(sport=53).open()
    c.data('c', framed(*(query(n, n) for n in range(1, 8))))
    c.data('s', framed(*(reply(n, n) for n in (3, 1, 2, 7, 6, 5, 4))))
    c.data('c', framed(query(8, 8), query(9, 9)), 1)
    c.data('s', framed(reply(9, 9), reply(8, 8)), 3)
    for n in range(1, 10):
        s.dns(c.label, n, transport='tcp')
    c.close()
    return s.done()


@case
def dns_same_id_again():
    """The same id on one socket, one question after the other, and the same id on two sockets at once."""
    s = Scene()
    for n in range(1, 5):
        datagram(s.packets, s.clock, '10.0.0.1', 5000, '10.0.0.2', 53, query(7, n))
        datagram(s.packets, s.clock, '10.0.0.2', 53, '10.0.0.1', 5000, reply(7, n))
        s.dns('10.0.0.1:5000', n)
    for n in (11, 12):
        datagram(s.packets, s.clock, '10.0.0.1', 5000 + n, '10.0.0.2', 53, query(7, n))
        s.dns('10.0.0.1:%d' % (5000 + n), n)
    for n in (12, 11):
        datagram(s.packets, s.clock, '10.0.0.2', 53, '10.0.0.1', 5000 + n, reply(7, n))
    return s.done()


@case
def dns_answer_to_another_question():
    """Same id, other name: not the answer (a spoofing attempt); the true one follows."""
    s = Scene()
    datagram(s.packets, s.clock, '10.0.0.1', 5000, '10.0.0.2', 53, query(7, 1))
    datagram(s.packets, s.clock, '10.0.0.2', 53, '10.0.0.1', 5000, reply(7, 66))
    datagram(s.packets, s.clock, '10.0.0.2', 53, '10.0.0.1', 5000, reply(7, 1))
    s.dns('10.0.0.1:5000', 1)
    return s.done()


@case
def dns_asked_again_and_unanswered():
    """Asked twice, answered once: the oldest is answered; one is never answered, one refused by the host."""
    s = Scene()
    for _ in range(2):
        datagram(s.packets, s.clock, '10.0.0.1', 5000, '10.0.0.2', 53, query(7, 1))
        s.clock.tick(1000 * MS)
    datagram(s.packets, s.clock, '10.0.0.2', 53, '10.0.0.1', 5000, reply(7, 1))
    s.dns('10.0.0.1:5000', 1)
    s.dns('10.0.0.1:5000', 1, 'no_response')
    datagram(s.packets, s.clock, '10.0.0.1', 5001, '10.0.0.2', 53, query(8, 2))
    s.dns('10.0.0.1:5001', 2, 'no_response')
    asked = datagram(s.packets, s.clock, '10.0.0.1', 5002, '10.0.0.9', 53, query(9, 3))
    quoted = wire.ip_packet(asked)
    s.packets.append(Packet(s.clock.tick(), addr('10.0.0.9'), addr('10.0.0.1'), 0, 0, wire.ICMP, payload=b'\3\3\0\0\0\0\0\0' + quoted[:28]))
    s.dns('10.0.0.1:5002', 3, 'reset')
    for n in range(20, 40):
        s.clock.tick(20_000 * MS)
        datagram(s.packets, s.clock, '10.0.0.1', 6000 + n, '10.0.0.2', 53, query(n, n))
        datagram(s.packets, s.clock, '10.0.0.2', 53, '10.0.0.1', 6000 + n, reply(n, n))
        s.dns('10.0.0.1:%d' % (6000 + n), n)
    return s.done()


@case
def dns_fragmented_answer():
    """Made into fragments by the test of fragments; here: many questions on one socket, answered in another order."""
    s = Scene()
    for n in range(1, 41):
        datagram(s.packets, s.clock, '10.0.0.1', 5000, '10.0.0.2', 5300, query(n * 1000, n))
    for n in range(40, 0, -1):
        datagram(s.packets, s.clock, '10.0.0.2', 5300, '10.0.0.1', 5000, reply(n * 1000, n, 3 if n % 4 == 0 else 0))
        s.dns('10.0.0.1:5000', n, rcode='NXDOMAIN' if n % 4 == 0 else 'NOERROR')
    return s.done()


# ---- Redis ----

def resp(*words):
    return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(x), x) for x in words)


def bulk(v):
    return b'$%d\r\n%s\r\n' % (len(v), v)


@case
def redis_pipeline_split_everywhere():
    s = Scene()
    c = s.connection(sport=6379).open()
    for size in (None, 1, 3, 50):
        c.data('c', b''.join(resp(b'GET', b'k%d' % n) for n in range(1, 21)), size)
        c.data('s', b''.join(bulk(b'\r\n+' * n) for n in range(1, 21)), size)
        for n in range(1, 21):
            s.redis(c, 'GET', size=3 * n)
    c.close()
    return s.done()


@case
def redis_lost_reply():
    """A hole of several replies in a pipeline: nothing after it is paired wrongly, and a command after a silence is right again."""
    s = Scene()
    c = s.connection(sport=6379).open()
    c.data('c', resp(b'GET', b'a'))
    c.data('s', bulk(b'1' * 11))
    s.redis(c, 'GET', size=11)
    c.data('c', b''.join(resp(b'GET', b'k%d' % n) for n in range(6)))
    sent = c.data('s', b''.join(bulk(b'v' * (20 + n)) for n in range(6)), 28)
    s.packets.remove(sent[2])
    s.clock.tick(500 * MS)
    for n in range(6):
        e = {'protocol': 'redis', 'conn': c.label, 'request': {'command': 'GET'}, 'response': None, 'outcome': 'lost', 'allowed': ['lost', 'answered'],
             'mark_if_answered': {'Request.Key': 'k%d' % n, 'Response.Size': 20 + n}}
        s.exchanges.append(e)
    for n in range(3):
        s.clock.tick(1500 * MS)
        c.data('c', resp(b'GET', b'z%d' % n))
        c.data('s', bulk(b'w' * (40 + n)))
        s.redis(c, 'GET', size=40 + n)
    c.close()
    return s.done()


@case
def redis_errors_and_inline():
    s = Scene()
    c = s.connection(sport=7777).open()
    for words, said, error in ((b'PING\r\n', b'+PONG\r\n', False), (resp(b'INCR', b'k'), b'-WRONGTYPE not a number\r\n', True), (b'GET k\r\n', b'$-1\r\n', False),
                               (resp(b'HGETALL', b'h'), b'*0\r\n', False), (resp(b'NO.SUCH'), b'-ERR unknown command\r\n', True)):
        c.data('c', words)
        c.data('s', said)
        s.redis(c, words.split(b'\r\n')[0].split(b' ')[0].decode() if not words.startswith(b'*') else words.split(b'\r\n')[2].decode(), error=error)
    c.close()
    return s.done()
