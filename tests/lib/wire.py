"""Packets as the tests see them, and their bytes.

A Packet is one TCP segment or UDP datagram between two addresses; it knows nothing of link layers. `frames` turns it into what a
capture holds: a link type and bytes, inside any encapsulation, in fragments if wished. Times are nanoseconds since the epoch.
Checksums are left zero, as offload leaves them, except where a receiver needs none."""

import ipaddress
import struct
from dataclasses import dataclass, field, replace

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP, ICMP = 6, 17, 1
ETHERNET, NULL, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
SEQ = 1 << 32


def addr(text):
    return ipaddress.ip_address(text).packed


def addr_text(b):
    return str(ipaddress.ip_address(b))


@dataclass
class Packet:
    ts: int
    src: bytes
    dst: bytes
    sport: int
    dport: int
    proto: int = TCP
    seq: int = 0
    ack: int = 0
    flags: int = ACK
    window: int = 64240
    options: bytes = b''
    payload: bytes = b''
    keep: int = -1   # payload bytes the capture kept; -1: all
    iface: int = 0
    vlan: int = 0
    tags: dict = field(default_factory=dict, compare=False)

    @property
    def key(self):
        """Direction: who sends to whom."""
        return (self.src, self.sport, self.dst, self.dport, self.proto)

    @property
    def conn(self):
        a, b = (self.src, self.sport), (self.dst, self.dport)
        return (min(a, b), max(a, b), self.proto)

    @property
    def end(self):
        """Sequence number after this segment."""
        return (self.seq + len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)) % SEQ

    def but(self, **changes):
        return replace(self, **changes)


@dataclass
class Frame:
    """One record of a capture file."""
    ts: int
    linktype: int
    data: bytes
    length: int = 0  # on the wire; 0: as captured
    iface: int = 0


def transport(p):
    if p.proto == UDP:
        return struct.pack('>HHHH', p.sport, p.dport, (8 + len(p.payload)) & 0xffff, 0) + p.payload
    if p.proto == ICMP:
        return p.payload
    options = p.options + b'\0' * (-len(p.options) % 4)
    offset = (20 + len(options)) // 4 << 4
    return struct.pack('>HHIIBBHHH', p.sport, p.dport, p.seq % SEQ, p.ack % SEQ, offset, p.flags, p.window, 0, 0) + options + p.payload


def ip_header(src, dst, proto, length, ident=0, frag=0, ttl=64):
    """IPv4 or IPv6 by the length of the addresses; `length` is that of the payload."""
    if len(src) == 4:
        total = 20 + length if 20 + length <= 0xffff else 0  # as big segments of offload have it
        return struct.pack('>BBHHHBBH4s4s', 0x45, 0, total, ident & 0xffff, frag, ttl, proto, 0, src, dst)
    return struct.pack('>IHBB16s16s', 6 << 28, length if length <= 0xffff else 0, proto, ttl, src, dst)


def ip_packet(p, ident=0):
    t = transport(p)
    return ip_header(p.src, p.dst, p.proto, len(t), ident) + t


def fragments(p, size, ident):
    """The IP packet in fragments of at most `size` bytes of payload (a multiple of 8)."""
    t = transport(p)
    size -= size % 8
    if len(t) <= size:
        return [ip_packet(p, ident)]
    out = []
    for at in range(0, len(t), size):
        part, more = t[at:at + size], at + size < len(t)
        if len(p.src) == 4:
            out.append(ip_header(p.src, p.dst, p.proto, len(part), ident, (0x2000 if more else 0) | at // 8) + part)
        else:
            extension = struct.pack('>BBHI', p.proto, 0, at | more, ident)
            out.append(ip_header(p.src, p.dst, 44, 8 + len(part)) + extension + part)
    return out


def _udp(src, dst, sport, dport, payload):
    return ip_header(src, dst, UDP, 8 + len(payload)) + struct.pack('>HHHH', sport, dport, 8 + len(payload), 0) + payload


MAC_A, MAC_B = bytes.fromhex('020000000001'), bytes.fromhex('020000000002')
OUTER = (addr('192.0.2.1'), addr('192.0.2.2'))
OUTER6 = (addr('2001:db8:ffff::1'), addr('2001:db8:ffff::2'))


def ethertype(ip):
    return 0x0800 if ip[0] >> 4 == 4 else 0x86dd


def ethernet(ip, tags=()):
    head = MAC_B + MAC_A
    for tpid, vid in tags:
        head += struct.pack('>HH', tpid, vid)
    return head + struct.pack('>H', ethertype(ip)) + ip


def inner_protocol(ip):
    return 4 if ip[0] >> 4 == 4 else 41


def _gre(ip, key=None):
    flags = 0x2000 if key is not None else 0
    return ip_header(*OUTER, 47, 4 + 4 * (key is not None) + len(ip)) + struct.pack('>HH', flags, ethertype(ip)) + (struct.pack('>I', key) if key is not None else b'') + ip


def _gre_bridged(ip):
    inner = ethernet(ip)
    return ip_header(*OUTER, 47, 4 + len(inner)) + struct.pack('>HH', 0, 0x6558) + inner


def _vxlan(ip, outer=OUTER, port=4789):
    return _udp(*outer, 51000, port, struct.pack('>II', 0x08000000, 42 << 8) + ethernet(ip))


def _geneve(ip, options=b''):
    return _udp(*OUTER, 51000, 6081, struct.pack('>BBHI', len(options) // 4, 0, 0x6558, 42 << 8) + options + ethernet(ip))


def _pppoe(ip):
    proto = 0x0021 if ip[0] >> 4 == 4 else 0x0057
    return MAC_B + MAC_A + struct.pack('>HBBHHH', 0x8864, 0x11, 0, 7, len(ip) + 2 & 0xffff, proto) + ip


def _mpls(ip, labels=2):
    stack = b''.join(struct.pack('>I', (100 + i) << 12 | (i == labels - 1) << 8 | 64) for i in range(labels))
    return MAC_B + MAC_A + struct.pack('>H', 0x8847) + stack + ip


def _sll(ip):
    return struct.pack('>HHH8sH', 4, 1, 6, MAC_A + b'\0\0', ethertype(ip)) + ip


def _sll2(ip):
    return struct.pack('>HHIHBB8s', ethertype(ip), 0, 3, 1, 4, 6, MAC_A + b'\0\0') + ip


def _family(ip, order):
    return struct.pack(order + 'I', 2 if ip[0] >> 4 == 4 else 30) + ip


# name -> (link type, function from an IP packet to the captured bytes)
ENCAPSULATIONS = {
    'ethernet': (ETHERNET, ethernet),
    'vlan': (ETHERNET, lambda ip: ethernet(ip, [(0x8100, 5)])),
    'qinq': (ETHERNET, lambda ip: ethernet(ip, [(0x88a8, 9), (0x8100, 5)])),
    'qinq_8100': (ETHERNET, lambda ip: ethernet(ip, [(0x8100, 9), (0x8100, 5)])),
    'sll': (SLL, _sll),
    'sll2': (SLL2, _sll2),
    'raw': (RAW, lambda ip: ip),
    'ip_by_version': (None, lambda ip: ip),  # LINKTYPE_IPV4 or LINKTYPE_IPV6
    'null_little': (NULL, lambda ip: _family(ip, '<')),
    'null_big': (NULL, lambda ip: _family(ip, '>')),
    'loop': (LOOP, lambda ip: _family(ip, '>')),
    'pppoe': (ETHERNET, _pppoe),
    'mpls': (ETHERNET, _mpls),
    'mpls_1': (ETHERNET, lambda ip: _mpls(ip, 1)),
    'gre': (ETHERNET, lambda ip: ethernet(_gre(ip))),
    'gre_key': (ETHERNET, lambda ip: ethernet(_gre(ip, 77))),
    'gre_bridged': (ETHERNET, lambda ip: ethernet(_gre_bridged(ip))),
    'vxlan': (ETHERNET, lambda ip: ethernet(_vxlan(ip))),
    'vxlan_ipv6': (ETHERNET, lambda ip: ethernet(_vxlan(ip, OUTER6))),
    'vxlan_vlan': (ETHERNET, lambda ip: ethernet(_vxlan(ip), [(0x8100, 6)])),
    'geneve': (ETHERNET, lambda ip: ethernet(_geneve(ip))),
    'geneve_options': (ETHERNET, lambda ip: ethernet(_geneve(ip, struct.pack('>HBB', 0x0102, 1, 1) + b'abcd'))),
    'ipip': (ETHERNET, lambda ip: ethernet(ip_header(*OUTER, inner_protocol(ip), len(ip)) + ip)),
    'ip_in_ipv6': (ETHERNET, lambda ip: ethernet(ip_header(*OUTER6, inner_protocol(ip), len(ip)) + ip)),
    'gre_in_vlan_mpls': (ETHERNET, lambda ip: MAC_B + MAC_A + struct.pack('>HHHI', 0x8100, 7, 0x8847, 16 << 12 | 0x140) + _gre(ip)),
}


def frame(p, encapsulation='ethernet', ip=None):
    """The packet as one record of a capture."""
    whole = ip is None
    ip = ip_packet(p) if whole else ip
    linktype, wrap = ENCAPSULATIONS[encapsulation]
    if linktype is None:
        linktype = IPV4 if ip[0] >> 4 == 4 else IPV6
    if p.vlan and encapsulation == 'ethernet':
        data = ethernet(ip, [(0x8100, p.vlan)])
    else:
        data = wrap(ip)
    length = len(data)
    if whole and 0 <= p.keep < len(p.payload):
        data = data[:length - (len(p.payload) - p.keep)]
    return Frame(p.ts, linktype, data, length, p.iface)


def _link(linktype, data):
    """-> IP packet, or None when it is something else."""
    if linktype == ETHERNET:
        at, kind = 14, struct.unpack_from('>H', data, 12)[0]
        while kind in (0x8100, 0x88a8):
            kind = struct.unpack_from('>H', data, at + 2)[0]
            at += 4
        return data[at:] if kind in (0x0800, 0x86dd) else None
    if linktype == SLL:
        return data[16:] if struct.unpack_from('>H', data, 14)[0] in (0x0800, 0x86dd) else None
    if linktype == SLL2:
        return data[20:] if struct.unpack_from('>H', data, 0)[0] in (0x0800, 0x86dd) else None
    if linktype in (RAW, IPV4, IPV6):
        return data
    raise ValueError('the test reader does not know link type %d' % linktype)


def parse(f):
    """Frame -> Packet, or None for what is neither TCP nor UDP. For our own plain recordings, not for hostile input."""
    ip = _link(f.linktype, f.data)
    if not ip:
        return None
    if ip[0] >> 4 == 4:
        proto, src, dst, body = ip[9], ip[12:16], ip[16:20], ip[(ip[0] & 15) * 4:]
        total = struct.unpack_from('>H', ip, 2)[0]
        body = body[:total - (ip[0] & 15) * 4] if total else body
    else:
        proto, src, dst, body = ip[6], ip[8:24], ip[24:40], ip[40:]
        total = struct.unpack_from('>H', ip, 4)[0]
        body = body[:total] if total else body
    if proto == UDP:
        sport, dport, length, _ = struct.unpack_from('>HHHH', body)
        return Packet(f.ts, src, dst, sport, dport, UDP, flags=0, payload=body[8:length], iface=f.iface)
    if proto != TCP:
        return None
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from('>HHIIBBH', body)
    offset = (offset >> 4) * 4
    return Packet(f.ts, src, dst, sport, dport, TCP, seq, ack, flags & 31, window, body[20:offset], body[offset:], iface=f.iface)
