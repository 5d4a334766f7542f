"""A small server of MongoDB's protocol for what FerretDB does not do: OP_COMPRESSED, exhaust cursors, streamed hellos, and (with
wire_version=2) the operations of version 2.6. It stores nothing: find answers with as many documents as its filter's `n` says.
Needs bson, and for their compressors zstandard and snappy."""

import itertools
import socket
import struct
import threading
import zlib

import bson

QUERY, GET_MORE, COMPRESSED, MSG = 2004, 2005, 2012, 2013
ONEWAY = {2001, 2002, 2006, 2007}
CHECKSUM, MORE_TO_COME, EXHAUST_ALLOWED = 1, 2, 1 << 16
NAMES = {1: 'snappy', 2: 'zlib', 3: 'zstd'}


def pack(compressor, data):
    if compressor == 1:
        import snappy
        return snappy.compress(data)
    if compressor == 3:
        import zstandard
        return zstandard.ZstdCompressor().compress(data)
    return zlib.compress(data)


def unpack(compressor, data):
    if compressor == 1:
        import snappy
        return snappy.decompress(data)
    if compressor == 3:
        import zstandard
        return zstandard.ZstdDecompressor().decompress(data)
    return zlib.decompress(data) if compressor == 2 else data


def opened(op, body):
    """-> (operation, body, compressor) of what may be compressed."""
    if op != COMPRESSED:
        return op, body, 0
    op, _, compressor = struct.unpack('<iiB', body[:9])
    return op, unpack(compressor, body[9:]), compressor


def documents(data):
    while data:
        n = struct.unpack('<i', data[:4])[0]
        yield bson.decode(data[:n])
        data = data[n:]


def sections(body):
    """-> (flags, body document with its sequences in it)"""
    flags, data, command, more = struct.unpack('<I', body[:4])[0], body[4:], {}, {}
    if flags & CHECKSUM:
        data = data[:-4]
    while data:
        if data[0] == 0:
            n = struct.unpack('<i', data[1:5])[0]
            command, data = bson.decode(data[1:1 + n]), data[1 + n:]
        else:
            n = struct.unpack('<i', data[1:5])[0]
            name, rest = data[5:1 + n].split(b'\0', 1)
            more[name.decode()] = list(documents(rest))
            data = data[1 + n:]
    return flags, {**command, **more}


def receive(sock, n):
    data = b''
    while len(data) < n:
        part = sock.recv(min(n - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return data


class MongoServer:
    def __init__(self, address='127.0.0.1', port=0, wire_version=17):
        self.wire_version, self.ids, self.cursors = wire_version, itertools.count(1000), {}
        self.sock = socket.create_server((address, port))
        self.address, self.port = self.sock.getsockname()
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock = self.sock.accept()[0]
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.append(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            while True:
                length, number, _, op = struct.unpack('<iiii', receive(sock, 16))
                self.handle(sock, number, *opened(op, receive(sock, length - 16)))
        except (EOFError, OSError):
            sock.close()

    def send(self, sock, to, op, body, compressor=0):
        number = next(self.ids)
        if compressor:
            body, op = struct.pack('<iiB', op, len(body), compressor) + pack(compressor, body), COMPRESSED
        sock.sendall(struct.pack('<iiii', 16 + len(body), number, to, op) + body)
        return number

    def handle(self, sock, number, op, body, compressor):
        if op in ONEWAY:
            return
        if op == MSG:
            flags, command = sections(body)
            if flags & MORE_TO_COME:
                return
            exhaust = flags & EXHAUST_ALLOWED
            for answer, more in self.answers(command, exhaust):
                number = self.send(sock, number, MSG, struct.pack('<IB', MORE_TO_COME if more else 0, 0) + bson.encode(answer), compressor)
            return
        if op == GET_MORE:
            _, rest = body[4:].split(b'\0', 1)
            batch, cursor = struct.unpack('<iq', rest)
            self.reply(sock, number, *self.batch(cursor, batch))
            return
        flags, (name, rest) = struct.unpack('<I', body[:4])[0], body[4:].split(b'\0', 1)
        query = next(documents(rest[8:8 + struct.unpack('<i', rest[8:12])[0]]))
        if name.endswith(b'.$cmd'):
            answer = next(self.answers(query.get('$query', query), False))[0]
            self.reply(sock, number, 0, [answer], compressor)
            return
        cursor, docs = self.first({'filter': query.get('$query', query), 'batchSize': struct.unpack('<i', rest[4:8])[0]})
        number = self.reply(sock, number, cursor, docs)
        while flags & 64 and cursor:
            cursor, docs = self.batch(cursor, 0)
            number = self.reply(sock, number, cursor, docs)

    def reply(self, sock, to, cursor, docs, compressor=0):
        return self.send(sock, to, 1, struct.pack('<Iqii', 8, cursor, 0, len(docs)) + b''.join(map(bson.encode, docs)), compressor)

    def first(self, command):
        """A find: as many documents as it wants, or the batch says."""
        cursor = next(self.ids)
        docs = [{'_id': i, 'text': 'document %d ' % i * 5} for i in range(command.get('filter', {}).get('n', 3))]
        self.cursors[cursor] = docs
        return self.batch(cursor, command.get('batchSize', 0))

    def batch(self, cursor, n):
        docs = self.cursors[cursor]
        n = abs(n) or 4
        self.cursors[cursor] = docs[n:]
        return (cursor if docs[n:] else 0), docs[:n]

    def answers(self, command, exhaust):
        """-> (reply, whether another one will come of itself)…"""
        name = next(iter(command))
        if name.lower() in ('ismaster', 'hello'):
            yield self.hello(command), False
        elif name == 'find':
            cursor, docs = self.first(command)
            yield {'cursor': {'firstBatch': docs, 'id': bson.Int64(cursor), 'ns': 'x.y'}, 'ok': 1.0}, False
        elif name == 'getMore':
            while True:
                cursor, docs = self.batch(command['getMore'], command.get('batchSize', 0))
                more = bool(exhaust and cursor)
                yield {'cursor': {'nextBatch': docs, 'id': bson.Int64(cursor), 'ns': 'x.y'}, 'ok': 1.0}, more
                if not more:
                    return
        elif name in ('insert', 'update', 'delete'):
            yield {'n': len(command.get({'insert': 'documents', 'update': 'updates', 'delete': 'deletes'}[name], ())), 'ok': 1.0}, False
        elif name in ('ping', 'killCursors', 'endSessions', 'getlasterror'):
            yield {'ok': 1.0}, False
        else:
            yield {'ok': 0.0, 'errmsg': 'no such command: ' + name, 'code': 59, 'codeName': 'CommandNotFound'}, False

    def hello(self, command):
        wanted = command.get('compression', ())
        return {'ismaster': True, 'isWritablePrimary': True, 'helloOk': True, 'maxBsonObjectSize': 16777216, 'maxMessageSizeBytes': 48000000,
                'maxWriteBatchSize': 1000, 'minWireVersion': 0, 'maxWireVersion': self.wire_version, 'readOnly': False,
                'compression': [c for c in NAMES.values() if c in wanted], 'ok': 1.0}

    def close(self):
        self.sock.close()
        for sock in self.open:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
