"""MySQL's protocol from scratch, for what drivers do not do when they are told to: a client with every flag at hand, and the pieces of
a server. Packets are (sequence number, payload)."""

import hashlib
import socket
import struct
import zlib

CONNECT_WITH_DB, COMPRESS, LOCAL_FILES, PROTOCOL_41, SSL = 1 << 3, 1 << 5, 1 << 7, 1 << 9, 1 << 11
TRANSACTIONS, SECURE, MULTI_STATEMENTS, MULTI_RESULTS = 1 << 13, 1 << 15, 1 << 16, 1 << 17
PLUGIN_AUTH, CONNECT_ATTRS, SESSION_TRACK, DEPRECATE_EOF = 1 << 19, 1 << 20, 1 << 23, 1 << 24
OPTIONAL_METADATA, ZSTD, QUERY_ATTRIBUTES = 1 << 25, 1 << 26, 1 << 27
BASE = 1 | PROTOCOL_41 | TRANSACTIONS | SECURE | MULTI_RESULTS | MULTI_STATEMENTS | PLUGIN_AUTH | LOCAL_FILES
QUIT, INIT_DB, QUERY, FIELD_LIST, STATISTICS, PING, CHANGE_USER = 1, 2, 3, 4, 9, 14, 17
PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET, FETCH, RESET_CONNECTION, BULK_EXECUTE = 22, 23, 24, 25, 26, 28, 31, 250


def lenenc(n):
    if n < 251:
        return bytes([n])
    return b'\xfc' + struct.pack('<H', n) if n < 65536 else b'\xfd' + struct.pack('<I', n)[:3] if n < 1 << 24 else b'\xfe' + struct.pack('<Q', n)


def text(s):
    s = s.encode() if isinstance(s, str) else s
    return lenenc(len(s)) + s


def read_lenenc(p, at):
    first = p[at]
    if first < 251:
        return first, at + 1
    size = {0xfc: 2, 0xfd: 3, 0xfe: 8}[first]
    return int.from_bytes(p[at + 1:at + 1 + size], 'little'), at + 1 + size


class SqlError(Exception):
    def __init__(self, payload):
        self.code, = struct.unpack_from('<H', payload, 1)
        self.message = payload[9:].decode('utf8', 'replace')
        super().__init__('%d %s' % (self.code, self.message))


class Packets:
    """Packets over a socket, in frames when it is told to: compress is None or (pack, unpack)."""

    def __init__(self, sock):
        self.sock, self.compress, self.buffer, self.frame_seq, self.seq = sock, None, b'', 0, 0

    def _exactly(self, n):
        out = bytearray()
        while len(out) < n:
            part = self.sock.recv(min(n - len(out), 1 << 20))
            if not part:
                raise EOFError
            out += part
        return bytes(out)

    def _bytes(self, n):
        if not self.compress:
            return self._exactly(n)
        while len(self.buffer) < n:
            head = self._exactly(7)
            size, self.frame_seq, plain = int.from_bytes(head[:3], 'little'), head[3] + 1, int.from_bytes(head[4:], 'little')
            body = self._exactly(size)
            self.buffer += self.compress[1](body) if plain else body
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def read(self):
        payload = b''
        while True:
            head = self._bytes(4)
            size, self.seq = int.from_bytes(head[:3], 'little'), (head[3] + 1) & 255
            payload += self._bytes(size)
            if size < 0xffffff:
                return payload

    def frame(self, *payloads):
        out = b''
        for p in payloads:
            pieces = [p[i:i + 0xffffff] for i in range(0, len(p) + 1, 0xffffff)]
            for piece in pieces:
                out += struct.pack('<I', len(piece))[:3] + bytes([self.seq]) + piece
                self.seq = (self.seq + 1) & 255
        if not self.compress:
            return out
        framed = b''
        for i in range(0, len(out), 1 << 20):
            piece = out[i:i + (1 << 20)]
            body = self.compress[0](piece) if len(piece) >= 50 else piece
            framed += struct.pack('<I', len(body))[:3] + bytes([self.frame_seq & 255]) + struct.pack('<I', len(piece) if len(piece) >= 50 else 0)[:3] + body
            self.frame_seq += 1
        return framed

    def send(self, *payloads):
        self.sock.sendall(self.frame(*payloads))


ZLIB = (zlib.compress, zlib.decompress)


class Result:
    def __init__(self):
        self.rows, self.affected, self.insert_id, self.columns, self.sets, self.values = 0, 0, 0, 0, 0, []


class Client:
    """One connection. ask() sends a command and reads its answer; send() only sends it."""

    def __init__(self, address, port, user='u', password='pw', database='d', caps=0, compress=None, attributes=None):
        self.sock = socket.create_connection((address, port), 30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.conn = '%s:%d' % self.sock.getsockname()[:2]
        self.packets = Packets(self.sock)
        self.files = {}
        greeting = self.packets.read()
        if greeting[0] == 0xff:
            raise SqlError(greeting[:3] + b'#00000' + greeting[3:] if greeting[3:4] != b'#' else greeting)
        end = greeting.index(0, 1)
        self.version = greeting[1:end].decode()
        salt = greeting[end + 5:end + 13] + greeting[end + 32:end + 44]
        server_caps = int.from_bytes(greeting[end + 14:end + 16] + greeting[end + 19:end + 21], 'little')
        self.caps = (BASE | caps | (COMPRESS if compress else 0) | (CONNECT_WITH_DB if database else 0) | (CONNECT_ATTRS if attributes else 0)) & (server_caps | 1)
        reply = struct.pack('<IIB23x', self.caps, 1 << 24, 45) + user.encode() + b'\0' + text(self._native(password, salt))
        reply += database.encode() + b'\0' if database else b''
        reply += b'mysql_native_password\0'
        if self.caps & CONNECT_ATTRS:
            pairs = b''.join(text(k) + text(v) for k, v in attributes.items())
            reply += text(pairs)
        self.packets.send(reply)
        while True:
            answer = self.packets.read()
            if answer[0] == 0xff:
                raise SqlError(answer)
            if answer[0] == 0:
                break
            if answer[:2] == b'\1\4':  # the whole password is wanted: ask for the key to encrypt it with
                self.packets.send(b'\2')
            elif answer[:2] == b'\1-':
                self.packets.send(b'P' * 256)
            elif answer[0] == 0xfe:
                name, _, data = answer[1:].partition(b'\0')
                self.packets.send(self._sha2(password, data[:20]) if name == b'caching_sha2_password' else self._native(password, data[:20]))
        if compress and self.caps & (COMPRESS | ZSTD):
            self.packets.compress = compress

    @staticmethod
    def _native(password, salt):
        one = hashlib.sha1(password.encode()).digest()
        return bytes(a ^ b for a, b in zip(one, hashlib.sha1(salt + hashlib.sha1(one).digest()).digest())) if password else b''

    @staticmethod
    def _sha2(password, salt):
        one = hashlib.sha256(password.encode()).digest()
        return bytes(a ^ b for a, b in zip(one, hashlib.sha256(hashlib.sha256(one).digest() + salt).digest()))

    def send(self, command, payload=b''):
        self.packets.seq = self.packets.frame_seq = 0
        self.packets.send(bytes([command]) + (payload.encode() if isinstance(payload, str) else payload))

    def ask(self, command, payload=b''):
        self.send(command, payload)
        return self.answer(command)

    def query(self, sql):
        return self.ask(QUERY, (b'\0\1' if self.caps & QUERY_ATTRIBUTES else b'') + sql.encode())

    def _definitions(self, n):
        for _ in range(n):
            self.packets.read()
        if n and not self.caps & DEPRECATE_EOF:
            return self.packets.read()
        return b''

    def _end(self, p, result):
        """An OK or EOF -> its status."""
        if p[0] == 0 or (self.caps & DEPRECATE_EOF and len(p) >= 7):
            affected, at = read_lenenc(p, 1)
            insert_id, at = read_lenenc(p, at)
            result.affected += affected
            result.insert_id = insert_id or result.insert_id
            return struct.unpack_from('<H', p, at)[0]
        return struct.unpack_from('<H', p, 3)[0]

    def _rows(self, result):
        while True:
            p = self.packets.read()
            if p[0] == 0xff:
                raise SqlError(p)
            if p[0] == 0xfe and len(p) < (0xffffff if self.caps & DEPRECATE_EOF else 9):
                return self._end(p, result)
            result.rows += 1

    def answer(self, command=QUERY):
        result = Result()
        if command == FETCH:
            self._rows(result)
            return result
        while True:
            p = self.packets.read()
            if p[0] == 0xff:
                raise SqlError(p)
            if command == STATISTICS:
                return p
            if command == PREPARE:
                ident, columns, params = struct.unpack_from('<IHH', p, 1)
                if p[12:13] != b'\0':
                    self._definitions(params)
                    self._definitions(columns)
                return ident
            if p[0] == 0xfb:
                for piece in self.files[p[1:].decode()]:
                    self.packets.send(piece)
                self.packets.send(b'')
                continue
            if p[0] == 0 or (p[0] == 0xfe and len(p) < 9):
                status = self._end(p, result)
            else:
                columns, at = read_lenenc(p, 0)
                follow = p[at:at + 1] != b'\0'
                end = self._definitions(columns if follow else 0)
                result.columns = result.columns or columns
                result.sets += 1
                if end and struct.unpack_from('<H', end, 3)[0] & 0x40:
                    return result
                status = self._rows(result)
            if not status & 8:
                return result

    def execute(self, ident, *values, flags=0, types=True):
        """Parameters are integers and texts."""
        body = struct.pack('<IBI', ident, flags, 1)
        if values:
            body += bytes((len(values) + 7) // 8) + bytes([types])
            if types:
                body += b''.join(b'\x08\0' if isinstance(v, int) else b'\xfd\0' for v in values)
            body += b''.join(struct.pack('<q', v) if isinstance(v, int) else text(v) for v in values)
        return self.ask(EXECUTE, body)

    def close(self, quit_first=True):
        if quit_first:
            self.send(QUIT)
        self.sock.close()
