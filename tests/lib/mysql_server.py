"""A server with the forms of MySQL 8 and 9 that MariaDB does not speak: caching_sha2_password (short and full), query attributes, result sets
without definitions, OK instead of EOF, session tracking. It takes every password and knows a handful of statements:
  select N          N rows of one column            use NAME       changes the database, and says so
  fail N TEXT       error N                         metadata none/full   whether definitions are sent
  anything else     OK, N affected rows where the text ends in "rows N\""""

import contextlib
import re
import socket
import socketserver
import struct
import threading

import mysql_wire as w

CAPS = (w.BASE | w.CONNECT_WITH_DB | w.CONNECT_ATTRS | (1 << 21) | w.SESSION_TRACK | w.DEPRECATE_EOF | w.OPTIONAL_METADATA | w.QUERY_ATTRIBUTES | w.COMPRESS)


def column(name):
    return w.text('def') + w.text('d') + w.text('t') + w.text('t') + w.text(name) + w.text(name) + b'\x0c' + struct.pack('<HIBHB2x', 45, 80, 0xfd, 0, 0)


class Session(socketserver.BaseRequestHandler):
    def ok(self, affected=0, status=2, head=0, changes=b''):
        if changes:
            return bytes([head]) + w.lenenc(affected) + b'\0' + struct.pack('<HH', status | 0x4000, 0) + b'\0' + w.text(changes)
        return bytes([head]) + w.lenenc(affected) + b'\0' + struct.pack('<HH', status, 0)

    @staticmethod
    def error(code, message, state='HY000'):
        return b'\xff' + struct.pack('<H', code) + b'#' + state.encode() + message.encode()

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.packets, self.metadata, self.prepared = w.Packets(self.request), True, {}
        with contextlib.suppress(EOFError, OSError):
            if self.log_in():
                while self.command():
                    pass

    def log_in(self):
        p, caps = self.packets, CAPS
        p.send(b'\x0a9.3.0\0' + struct.pack('<I', self.server.next_thread()) + b'01234567\0' + struct.pack('<HBHHB10x', caps & 0xffff, 255, 2, caps >> 16, 21) +
               b'890123456789\0caching_sha2_password\0')
        reply = p.read()
        self.caps = struct.unpack_from('<I', reply)[0]
        user = reply[32:reply.index(0, 32)]
        if user == b'full':  # the server asks for everything, and gives its key
            p.send(b'\x01\x04')
            p.read()
            p.send(b'\x01-----BEGIN PUBLIC KEY-----\n' + b'A' * 200 + b'\n-----END PUBLIC KEY-----\n')
            p.read()
        elif user == b'switch':
            p.send(b'\xfemysql_native_password\0' + b'0123456789012345678\1\0')
            p.read()
        elif user == b'nobody':
            p.send(self.error(1045, "Access denied for user 'nobody'", '28000'))
            return False
        else:
            p.send(b'\x01\x03', self.ok())
            return self.begin()
        p.send(self.ok())
        return self.begin()

    def begin(self):
        if self.caps & w.COMPRESS:
            self.packets.compress = w.ZLIB
        return True

    def command(self):
        p = self.packets
        p.seq = p.frame_seq = 0
        payload = p.read()
        com, rest = payload[0], payload[1:]
        if com == w.QUIT:
            return False
        if com == w.QUERY:
            self.query(self.without_attributes(rest))
        elif com == w.PREPARE:
            self.prepare(rest.decode())
        elif com == w.EXECUTE:
            self.result(int(re.search(r'\d+', self.prepared[rest[0]]).group()))
        elif com == w.CLOSE:
            pass
        elif com == w.INIT_DB:
            p.send(self.ok(changes=b'\1' + w.text(w.text(rest))))
        else:
            p.send(self.ok())
        return True

    def without_attributes(self, rest):
        """The text behind the attributes; the values are those of drivers: texts and integers."""
        if not self.caps & w.QUERY_ATTRIBUTES:
            return rest.decode()
        count, at = w.read_lenenc(rest, 0)
        _, at = w.read_lenenc(rest, at)
        if count:
            at += (count + 7) // 8 + 1
            kinds = []
            for _ in range(count):
                kinds.append(rest[at])
                n, at = w.read_lenenc(rest, at + 2)
                at += n
            for kind in kinds:
                size = {1: 1, 2: 2, 3: 4, 8: 8}.get(kind)
                if size is None:
                    size, at = w.read_lenenc(rest, at)
                at += size
        return rest[at:].decode()

    def result(self, rows, status=2):
        head = w.lenenc(1)
        out = []
        if self.caps & w.OPTIONAL_METADATA:
            head += bytes([self.metadata])
        out.append(head)
        if self.metadata or not self.caps & w.OPTIONAL_METADATA:
            out.append(column('a'))
        if not self.caps & w.DEPRECATE_EOF:
            out.append(b'\xfe\0\0\2\0')
        out += [w.text('row %d' % n) for n in range(rows)]
        out.append(self.ok(status=status, head=0xfe) if self.caps & w.DEPRECATE_EOF else b'\xfe\0\0' + struct.pack('<H', status))
        self.packets.send(*out)

    def query(self, sql):
        word, _, rest = sql.partition(' ')
        if word == 'select' and rest.isdigit():
            self.result(int(rest))
        elif word == 'fail':
            code, _, message = rest.partition(' ')
            self.packets.send(self.error(int(code), message))
        elif word == 'use':
            self.packets.send(self.ok(changes=b'\1' + w.text(w.text(rest))))
        elif word == 'metadata':
            self.metadata = rest == 'full'
            self.packets.send(self.ok())
        else:
            n = re.search(r'rows (\d+)$', sql)
            self.packets.send(self.ok(int(n[1]) if n else 0))

    def prepare(self, sql):
        ident = len(self.prepared) + 1
        self.prepared[ident] = sql
        params = sql.count('?')
        answer = b'\0' + struct.pack('<IHHxH', ident, 1, params, 0)
        if self.caps & w.OPTIONAL_METADATA:
            answer += bytes([self.metadata])
        out = [answer]
        if self.metadata or not self.caps & w.OPTIONAL_METADATA:
            for n in (params, 1):
                out += [column('a')] * n
                if n and not self.caps & w.DEPRECATE_EOF:
                    out.append(b'\xfe\0\0\2\0')
        self.packets.send(*out)


class MySQL9(socketserver.ThreadingTCPServer):
    """Serves until close(); `address` and `port` as the other servers have them."""

    allow_reuse_address, daemon_threads = True, True
    USER, PASSWORD, DATABASE = 'u', 'pw', 'd'

    def __init__(self, address='127.0.0.1', port=13390, namespace=None):
        assert not namespace
        super().__init__((address, port), Session)
        self.address, self.port = self.server_address[:2]
        self.threads, self.lock = 0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def next_thread(self):
        with self.lock:
            self.threads += 1
            return self.threads

    def close(self):
        self.shutdown()
        self.server_close()

    def __exit__(self, *exc):
        self.close()
