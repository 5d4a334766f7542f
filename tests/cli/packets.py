"""Makes packets and capture files from scratch, for tests that need traffic of which every byte is known."""
import struct


def checksum_free_ip(src, dst, proto, payload):
    """An IPv4 header with a zero checksum (captures often have none) before the payload."""
    head = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0)
    return head + bytes(map(int, src.split('.'))) + bytes(map(int, dst.split('.'))) + payload


def ethernet(ip):
    return b'\2\0\0\0\0\1' + b'\2\0\0\0\0\2' + b'\x08\x00' + ip


def udp(src, sport, dst, dport, payload):
    return ethernet(checksum_free_ip(src, dst, 17, struct.pack('>HHHH', sport, dport, 8 + len(payload), 0) + payload))


def tcp(src, sport, dst, dport, seq, ack, flags, payload=b''):
    head = struct.pack('>HHIIBBHHH', sport, dport, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 65535, 0, 0)
    return ethernet(checksum_free_ip(src, dst, 6, head + payload))


FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Pcap:
    """A pcap file in memory. Times are in microseconds from 2025-03-01T09:00:00Z unless given."""
    START = 1740819600

    def __init__(self, linktype=1):
        self.header = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, linktype)
        self.packets = []
        self.now = 0

    def add(self, frame, us=1000):
        self.now += us
        s, u = divmod(self.now, 1000000)
        self.packets.append(struct.pack('<IIII', self.START + s, u, len(frame), len(frame)) + frame)
        return self

    def bytes(self):
        return self.header + b''.join(self.packets)


def dns_name(name):
    return b''.join(bytes([len(p)]) + p.encode() for p in name.split('.') if p) + b'\0'


def dns_query(ident, name, qtype=1):
    return struct.pack('>HHHHHH', ident, 0x0100, 1, 0, 0, 0) + dns_name(name) + struct.pack('>HH', qtype, 1)


def dns_answer(ident, name, address='192.0.2.80', rcode=0):
    answers = 0 if rcode else 1
    m = struct.pack('>HHHHHH', ident, 0x8180 | rcode, 1, answers, 0, 0) + dns_name(name) + struct.pack('>HH', 1, 1)
    if answers:
        m += b'\xc0\x0c' + struct.pack('>HHIH', 1, 1, 60, 4) + bytes(map(int, address.split('.')))
    return m


def dns_capture(n, client='10.1.0.7', server='10.1.0.2', name='host{}.example.com'):
    """n questions with their answers."""
    p = Pcap()
    for i in range(n):
        port, q = 20000 + i % 40000, name.format(i)
        p.add(udp(client, port, server, 53, dns_query(i & 0xffff, q)))
        p.add(udp(server, 53, client, port, dns_answer(i & 0xffff, q)), 250)
    return p


def http_capture(exchanges, client='10.1.0.7', server='10.1.0.21', port=8000):
    """(request bytes, response bytes) pairs over one connection, which is opened and closed."""
    p, c, s = Pcap(), 1000, 9000
    p.add(tcp(client, 40000, server, port, c, 0, SYN))
    p.add(tcp(server, port, client, 40000, s, c + 1, SYN | ACK))
    c, s = c + 1, s + 1
    p.add(tcp(client, 40000, server, port, c, s, ACK))
    for request, response in exchanges:
        p.add(tcp(client, 40000, server, port, c, s, PSH | ACK, request))
        c += len(request)
        p.add(tcp(server, port, client, 40000, s, c, PSH | ACK, response))
        s += len(response)
    p.add(tcp(client, 40000, server, port, c, s, FIN | ACK))
    p.add(tcp(server, port, client, 40000, s, c + 1, FIN | ACK))
    p.add(tcp(client, 40000, server, port, c + 1, s + 1, ACK))
    return p
