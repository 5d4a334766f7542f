"""Rewrites a capture's packets so that what was said stays the same, or so that part of it is lost.

A rewriting is a function (packets, rng) -> packets. Packets stay in capture order, each with the time it was captured at; none of
the functions changes its argument."""

import wire
from wire import ACK, FIN, PSH, RST, SEQ, SYN, TCP, UDP

US, MS = 10**3, 10**6


def pieces(p, cuts):
    """One segment as several, cut at the given payload offsets."""
    out, start = [], 0
    for at in [*cuts, len(p.payload)]:
        last = at == len(p.payload)
        flags = p.flags if last else p.flags & ~(FIN | PSH)
        out.append(p.but(seq=(p.seq + start) % SEQ, payload=p.payload[start:at], flags=flags))
        start = at
    return out


def is_data(p):
    return p.proto == TCP and p.payload and not p.flags & SYN


def split(packets, rng, most=1):
    """Every segment in pieces of 1…most bytes. Long ones only at both ends, and now and then between, to keep captures small."""
    out = []
    for p in packets:
        if not is_data(p):
            out.append(p)
            continue
        n, at, cuts = len(p.payload), 0, []
        while True:
            at += rng.randint(1, most) if at < 700 or at > n - 100 else rng.randint(1, 400)
            if at >= n:
                break
            cuts.append(at)
        out += pieces(p, cuts)
    return out


def bytewise(packets, rng):
    return split(packets, rng, 1)


def small(packets, rng):
    return split(packets, rng, 7)


def random_split(packets, rng):
    return [q for p in packets for q in (pieces(p, sorted(rng.sample(range(1, len(p.payload)), min(rng.randint(0, 4), len(p.payload) - 1)))) if is_data(p) else [p])]


def merge(packets, rng=None, most=60000):
    """Neighbouring segments of one direction as one, as receive offload makes them."""
    out = []
    for p in packets:
        last = out[-1] if out else None
        if last is not None and is_data(p) and is_data(last) and p.key == last.key and last.end == p.seq and last.ack == p.ack \
                and not last.flags & (FIN | RST) and len(last.payload) + len(p.payload) <= most:
            out[-1] = last.but(payload=last.payload + p.payload, flags=last.flags | p.flags, ts=p.ts, window=p.window)
        else:
            out.append(p)
    return out


def reorder(packets, rng, window=6, across=False):
    """Moves packets up to `window` places in the file, and never past a pause of the connection; hand-shakes and resets stay where
    they are, as do the packets around them. Within one direction of a connection, or across both, as a mirror port delivers them."""
    place = list(range(len(packets)))
    groups, latest, pauses = {}, {}, {}
    for n, p in enumerate(packets):
        if p.ts > latest.get(p.conn, p.ts) + 20 * MS:
            pauses[p.conn] = pauses.get(p.conn, 0) + 1
        group = groups.setdefault((p.conn if across else p.key, pauses.get(p.conn)), [[]])
        latest[p.conn] = max(p.ts, latest.get(p.conn, 0))
        if p.flags & (SYN | RST) or p.proto == UDP:
            group.append([])
        else:
            group[-1].append(n)
    for runs in groups.values():
        for run in runs:
            moved = sorted(range(len(run)), key=lambda i: i + rng.uniform(0, window))
            for at, n in zip(run, moved):
                place[at] = run[n]
    return [packets[n] for n in place]


def reorder_across(packets, rng):
    return reorder(packets, rng, 3, True)


def retime(packets):
    """The same order in the file, with the times in order."""
    return [p.but(ts=ts) for p, ts in zip(packets, sorted(p.ts for p in packets))]


def swap(packets, rng):
    """Every two neighbouring segments of a direction in the wrong order."""
    last, out = {}, []
    for p in packets:
        n = last.get(p.key)
        out.append(p)
        if is_data(p) and not p.flags & (FIN | RST):
            if n is not None and n < len(out) - 1:
                out[n], out[-1] = out[-1], out[n]
                last.pop(p.key)
            else:
                last[p.key] = len(out) - 1
        else:
            last.pop(p.key, None)
    return out


def duplicate(packets, rng, share=1.0, delay=None):
    """Segments sent again, at once or up to 3 ms later (not datagrams: a question asked again is another exchange)."""
    out, waiting = [], []
    for p in packets:
        out += [q for ts, q in waiting if ts <= p.ts]
        waiting = [(ts, q) for ts, q in waiting if ts > p.ts]
        out.append(p)
        if p.proto == TCP and p.payload and not p.flags & (SYN | RST) and rng.random() < share:
            ts = p.ts + (delay or rng.choice([1, 20, 600, 3000]) * US)
            waiting = sorted([*waiting, (ts, p.but(ts=ts))], key=lambda w: w[0])
    return out + [q for _, q in waiting]


def overlap(packets, rng):
    """Retransmissions that cover the end of one segment and part of the next, before and after it; of bytes that the other side has
    not acknowledged, for nobody sends others again."""
    streams, acked, out = {}, {}, []
    for p in packets:
        if p.flags & ACK:
            acked[p.conn, p.dst, p.dport] = p.ack
        if not is_data(p) or p.flags & RST:
            out.append(p)
            if p.flags & SYN:
                streams.pop(p.key, None)
            continue
        said, start = streams.get(p.key, (b'', p.seq))
        if (start + len(said)) % SEQ != p.seq:
            said, start = b'', p.seq
        said += p.payload
        streams[p.key] = (said, start)
        unacked = (p.seq - acked.get((p.conn, p.src, p.sport), p.seq)) % SEQ
        n, back = len(p.payload), rng.randint(0, min(len(said) - len(p.payload), 2000, unacked if unacked < SEQ // 2 else 0))
        kind = rng.randint(0, 3)
        if kind == 0:    # an early repetition that brings the first half of this segment along
            half = rng.randint(1, n)
            out.append(p.but(seq=(p.seq - back) % SEQ, payload=said[len(said) - n - back:len(said) - n + half], flags=ACK))
        out.append(p)
        if kind == 1:    # a late one that covers the segment and what was before it
            out.append(p.but(seq=(p.seq - back) % SEQ, payload=said[len(said) - n - back:], flags=ACK, ts=p.ts + 5 * US))
        elif kind == 2:  # a piece from the middle
            a, b = sorted((rng.randint(0, n), rng.randint(0, n)))
            if a < b:
                out.append(p.but(seq=(p.seq + a) % SEQ, payload=p.payload[a:b], flags=ACK, ts=p.ts + 5 * US))
    return out


def shift_sequence(packets, rng):
    """Sequence numbers of every direction moved so that they pass 2^32 at a random byte that the direction carries."""
    sent = {}
    for p in packets:
        if p.proto == TCP:
            key = (p.key, p.tags.get('life', 0))
            sent.setdefault(key, []).append(p)
    by = {}
    for key, mine in sent.items():
        first = next((p.seq for p in mine if p.flags & SYN), mine[0].seq)
        length = max(((p.end - first) % SEQ for p in mine if (p.end - first) % SEQ < SEQ // 2), default=1)
        by[key[0]] = (SEQ - first - rng.randint(0, max(length, 1))) % SEQ

    def moved(p):
        if p.proto != TCP:
            return p
        back = by.get((p.dst, p.dport, p.src, p.sport, p.proto), 0)
        return p.but(seq=(p.seq + by[p.key]) % SEQ, ack=(p.ack + back) % SEQ if p.flags & ACK else 0, options=b'' if not p.flags & SYN else p.options)
    return [moved(p) for p in packets]


def keepalives(packets, rng):
    """After every pure acknowledgement: a keep-alive probe (one byte before the next, or none) and its answer."""
    out, next_seq = [], {}
    for p in packets:
        out.append(p)
        if p.proto != TCP:
            continue
        next_seq[p.key] = p.end
        peer = (p.dst, p.dport, p.src, p.sport, p.proto)
        if not p.payload and p.flags == ACK and peer in next_seq and p.ack == next_seq[peer]:
            out.append(p.but(seq=(p.seq - 1) % SEQ, payload=b'\0' if rng.random() < 0.5 else b'', ts=p.ts + US))
            out.append(p.but(src=p.dst, dst=p.src, sport=p.dport, dport=p.sport, seq=p.ack, ack=p.seq, ts=p.ts + 2 * US))
    return out


def two_interfaces(packets, rng, delay=30 * US):
    """Every packet taken twice, at two interfaces; the second copy a little later, in any order with those after it."""
    copies = [p.but(iface=1, ts=p.ts + rng.randint(0, delay)) for p in packets]
    return sorted([*packets, *copies], key=lambda p: p.ts)


def tagged_twice(packets, rng):
    """Every packet twice: with a VLAN tag on a bridge's port, then without it."""
    return [q for p in packets for q in (p.but(vlan=12), p.but(ts=p.ts + 2 * US))]


def to_ipv6(packets, rng=None):
    return [p.but(src=b'\x20\x01\x0d\xb8' + b'\0' * 8 + p.src, dst=b'\x20\x01\x0d\xb8' + b'\0' * 8 + p.dst) if len(p.src) == 4 else p for p in packets]


def ipv6_names(packets):
    """Address texts after to_ipv6 -> before."""
    return {wire.addr_text(q): wire.addr_text(p) for a, b in zip(packets, to_ipv6(packets)) for p, q in ((a.src, b.src), (a.dst, b.dst))}


def other_time(packets, rng=None, by=86400 * 10**9 * 400):
    return [p.but(ts=p.ts + by) for p in packets]


def fragmented(packets, rng, size=256, order='in'):
    """Frames of the packets in IP fragments: in order, reversed, or those of several packets mixed."""
    out = []
    for n, p in enumerate(packets):
        parts = [wire.frame(p, ip=ip) for ip in wire.fragments(p, size, 1000 + n)]
        if order == 'reverse':
            parts.reverse()
        elif order == 'shuffle':
            rng.shuffle(parts)
        out += parts
    return out


# ---- what loses something ----

def drop_one(packets, n):
    return packets[:n] + packets[n + 1:]


def drop_random(packets, rng, share=0.05):
    return [p for p in packets if rng.random() >= share]


def drop_burst(packets, rng, longest=8):
    out, at = [], 0
    while at < len(packets):
        run = rng.randint(5, 40)
        out += packets[at:at + run]
        at += run + rng.randint(1, longest)
    return out


def drop_direction(packets, rng):
    """One side of every connection only, as asymmetric routing shows it."""
    side = {}
    return [p for p in packets if p.key == side.setdefault(p.conn, p.key)]


def snap(packets, rng, keep=60):
    return [p.but(keep=keep) if len(p.payload) > keep else p for p in packets]


def body_ranges(packets):
    """For in-order HTTP with counted bodies only -> {direction: (first sequence number, [(start, end) of bodies])}."""
    streams = {}
    for p in packets:
        if is_data(p):
            start, said = streams.get(p.key, (p.seq, b''))
            if (p.seq - start) % SEQ == len(said):
                said += p.payload
            streams[p.key] = (start, said)
    out = {}
    for key, (start, said) in streams.items():
        ranges, at = [], 0
        while (end := said.find(b'\r\n\r\n', at)) >= 0:
            length = 0
            for line in said[at:end].lower().split(b'\r\n'):
                if line.startswith(b'content-length:'):
                    length = int(line.split(b':')[1])
            ranges.append((end + 4, end + 4 + length))
            at = end + 4 + length
        out[key] = (start, ranges)
    return out


def snap_bodies(packets, rng=None):
    """Keeps the heads only: the captured part of a segment ends where nothing but one body follows."""
    bodies, out = body_ranges(packets), []
    for p in packets:
        if is_data(p):
            start, ranges = bodies[p.key]
            at = (p.seq - start) % SEQ
            for a, b in ranges:
                if at < b and at + len(p.payload) > a and at + len(p.payload) <= b:
                    p = p.but(keep=max(a - at, 0))
        out.append(p)
    return out


def rename(packets, number):
    """The same conversation between other clients: one of many copies in one capture. Addresses 127.0.0.1 and 10.77.0.x."""
    def new(a):
        return bytes([10, 100 + (number >> 8), number & 255, a[3]]) if len(a) == 4 else a
    return [p.but(src=new(p.src), dst=new(p.dst)) for p in packets]
