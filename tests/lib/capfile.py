"""Reading and writing capture files: pcap in both byte orders and resolutions, pcapng with several interfaces, .gz and .zst."""

import gzip
import struct
import subprocess

from wire import Frame


def pcap_bytes(frames, order='<', nano=True, snaplen=262144):
    linktypes = {f.linktype for f in frames} or {1}
    assert len(linktypes) == 1, 'a pcap file has one link type'
    out = [struct.pack(order + 'IHHiIII', 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snaplen, linktypes.pop())]
    for f in frames:
        ns = f.ts % 10**9
        out.append(struct.pack(order + 'IIII', f.ts // 10**9, ns if nano else ns // 1000, len(f.data), f.length or len(f.data)))
        out.append(f.data)
    return b''.join(out)


def _block(order, kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack(order + 'II', kind, 12 + len(body)) + body + struct.pack(order + 'I', 12 + len(body))


def _option(order, code, value):
    return struct.pack(order + 'HH', code, len(value)) + value + b'\0' * (-len(value) % 4)


def pcapng_bytes(frames, order='<', resolutions=(9,), noise=False):
    """One interface block for each (frame.iface, link type) in use; time resolutions (negative powers of ten, or of two with the
    high bit set) are taken in turn. `noise` adds blocks and options a reader must step over."""
    out = [_block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1) + (_option(order, 4, b'packetd tests') + b'\0' * 4 if noise else b''))]
    known, units = {}, []
    for f in frames:
        key = (f.iface, f.linktype)
        if key not in known:
            known[key] = len(known)
            resolution = resolutions[known[key] % len(resolutions)]
            units.append(1 << (resolution & 0x7f) if resolution & 0x80 else 10**resolution)
            options = _option(order, 2, b'if%d' % f.iface) + _option(order, 9, bytes([resolution])) + b'\0' * 4
            out.append(_block(order, 1, struct.pack(order + 'HHI', f.linktype, 0, 0) + options))
            if noise:
                out.append(_block(order, 5, struct.pack(order + 'III', known[key], 0, 0)))  # interface statistics
                out.append(_block(order, 0x0bad, b'custom block'))
        units_per_second = units[known[key]]
        ticks = f.ts // 10**9 * units_per_second + f.ts % 10**9 * units_per_second // 10**9
        body = struct.pack(order + 'IIIII', known[key], ticks >> 32, ticks & 0xffffffff, len(f.data), f.length or len(f.data)) + f.data
        if noise:
            body += b'\0' * (-len(body) % 4) + _option(order, 1, b'a comment') + b'\0' * 4
        out.append(_block(order, 6, body))
    return b''.join(out)


def write(path, data):
    path = str(path)
    if path.endswith('.gz'):
        data = gzip.compress(data, 6)
    elif path.endswith('.zst'):
        data = subprocess.run(['zstd', '-q', '-c'], input=data, capture_output=True, check=True).stdout
    with open(path, 'wb') as f:
        f.write(data)
    return path


def read(path):
    """Frames of a pcap file."""
    with open(path, 'rb') as f:
        data = f.read()
    magic = data[:4]
    order = '<' if magic in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    unit = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack(order + 'I', magic)[0]]
    linktype = struct.unpack_from(order + 'I', data, 20)[0] & 0xffff
    at, frames = 24, []
    while at + 16 <= len(data):
        s, fraction, n, length = struct.unpack_from(order + 'IIII', data, at)
        frames.append(Frame(s * 10**9 + fraction * unit, linktype, data[at + 16:at + 16 + n], length))
        at += 16 + n
    return frames
