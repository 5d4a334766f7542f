"""Two endpoints talking: builds the packets of TCP connections and UDP exchanges for generated captures."""

from wire import ACK, FIN, PSH, RST, SEQ, SYN, TCP, UDP, Packet, addr

START = 1_700_000_000 * 10**9
MS, US = 10**6, 10**3


class Clock:
    """The time of the next packet; every packet takes 100 µs unless told otherwise."""

    def __init__(self, now=START):
        self.now = now

    def tick(self, ns=100 * US):
        self.now += ns
        return self.now


class Connection:
    """One TCP connection. Methods append packets to `packets`; direction is 'c' (client) or 's' (server)."""

    def __init__(self, packets, clock, cport=40000, sport=80, client='10.0.0.1', server='10.0.0.2', seq=(1000, 500000), mss=1448):
        self.packets, self.clock, self.mss = packets, clock, mss
        self.ends = {'c': (addr(client), cport), 's': (addr(server), sport)}
        self.next = {'c': seq[0] % SEQ, 's': seq[1] % SEQ}
        self.label = '%s:%d' % (client, cport)

    def make(self, d, flags=ACK, payload=b'', seq=None, ack=None, **more):
        """A packet of this connection, not yet sent."""
        (src, sport), (dst, dport) = self.ends[d], self.ends['s' if d == 'c' else 'c']
        other = self.next['s' if d == 'c' else 'c']
        return Packet(self.clock.tick(), src, dst, sport, dport, TCP, self.next[d] if seq is None else seq % SEQ,
                      (other if ack is None else ack % SEQ) if flags & ACK else 0, flags, payload=payload, **more)

    def put(self, p):
        self.packets.append(p)
        return p

    def send(self, d, flags=ACK, payload=b'', **more):
        p = self.put(self.make(d, flags, payload, **more))
        if 'seq' not in more:
            self.next[d] = p.end
        return p

    def open(self):
        self.send('c', SYN, options=b'\x02\x04\x05\xb4')
        self.send('s', SYN | ACK, options=b'\x02\x04\x05\xb4')
        self.send('c')
        return self

    def data(self, d, payload, size=None, ack=True):
        """Sends bytes in segments of `size`; the other side acknowledges."""
        size = size or self.mss
        sent = []
        for at in range(0, len(payload), size):
            part = payload[at:at + size]
            sent.append(self.send(d, ACK | (PSH if at + size >= len(payload) else 0), part))
        if ack:
            self.send('s' if d == 'c' else 'c')
        return sent

    def close(self, first='c'):
        other = 's' if first == 'c' else 'c'
        self.send(first, FIN | ACK)
        self.send(other, FIN | ACK)
        self.send(first)

    def reset(self, d='s'):
        self.send(d, RST | ACK)


def datagram(packets, clock, src, sport, dst, dport, payload):
    p = Packet(clock.tick(), addr(src), addr(dst), sport, dport, UDP, flags=0, payload=payload)
    packets.append(p)
    return p
