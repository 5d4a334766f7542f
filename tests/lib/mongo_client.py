#!/usr/bin/env python3
"""Speaks MongoDB's protocol through PyMongo and prints what the driver itself sent and got, as a truth file's exchanges.

usage: mongo_client.py SCENARIO HOST PORT       with the interpreter whose PyMongo is wanted (3.11 or newer)

The driver's functions that write a message to a connection and read one from it are wrapped: every message passes there, the
hellos of connections and monitors too, which command monitoring does not show."""

import datetime
import json
import os
import re
import struct
import sys
import threading
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bson  # noqa: E402
import bson.json_util  # noqa: E402
import mongo_server as wire  # noqa: E402
import pymongo  # noqa: E402
from pymongo import errors  # noqa: E402

try:
    from pymongo.synchronous import pool
except ImportError:
    from pymongo import pool

warnings.simplefilter('ignore')
NOT_COLLECTIONS = {'getlog', 'createuser', 'getparameter', 'saslstart', 'nosuchcommand'}
SECRET = {'saslstart', 'saslcontinue', 'createuser', 'updateuser', 'authenticate'}
LEGACY = {2001: 'update', 2002: 'insert', 2006: 'delete', 2007: 'killCursors'}
exchanges, waiting, lock = [], {}, threading.Lock()


def statement(command):
    """Its text as the driver's own JSON writer has it; None when that is more than is shown."""
    shown = {k: v for k, v in command.items() if not k.startswith('$') and k != 'lsid'}
    text = bson.json_util.dumps(shown, json_options=bson.json_util.RELAXED_JSON_OPTIONS, separators=(',', ':'), ensure_ascii=False)
    return text if len(text.encode()) <= 1024 else None


def command_of(command, database):
    name, value = next(iter(command.items()))
    if name == '$query':
        return command_of(value, database)
    collection = value if isinstance(value, str) and name.lower() not in NOT_COLLECTIONS else command.get('collection', '')
    if name == 'explain':
        collection = next(iter(value.values()))
    database = command.get('$db', database)
    if name == 'renameCollection':
        collection = value.split('.', 1)[1]
    q = {'command': name, 'db': database, 'collection': collection if isinstance(collection, str) else ''}
    # PyMongo 3 would write UUIDs as another type of binary data than it has read
    if name.lower() not in SECRET and 'speculativeAuthenticate' not in command and name != 'endSessions':
        q['statement'] = statement(command)
    sent = [command[k] for k in ('documents', 'updates', 'deletes', 'cursors') if isinstance(command.get(k), list)]
    q['sent'] = len(sent[0]) if sent else 0
    return q


def request_of(op, body):
    """-> (request's fields, is it answered?)"""
    if op == wire.MSG:
        flags, command = wire.sections(body)
        return command_of(command, None), not flags & wire.MORE_TO_COME
    if op == 2007:
        return {'command': 'killCursors', 'sent': struct.unpack('<i', body[4:8])[0]}, False
    full, rest = body[4:].split(b'\0', 1)
    database, collection = full.decode().split('.', 1)
    if op == wire.QUERY:
        query = next(wire.documents(rest[8:8 + struct.unpack('<i', rest[8:12])[0]]))
        if collection == '$cmd':
            return command_of(query, database), True
        return {'command': 'find', 'db': database, 'collection': collection, 'statement': statement({'find': collection, 'filter': query})}, True
    return {'command': LEGACY.get(op, 'getMore'), 'db': database, 'collection': collection}, op not in LEGACY


def sent(conn, sock, message):
    length, number, _, op = struct.unpack('<iiii', message[:16])
    assert length == len(message), 'one message at a time'
    op, body, compressor = wire.opened(op, message[16:])
    q, answered = request_of(op, body)
    q.update(id=number & 0xffffffff, size=length, compressor=wire.NAMES.get(compressor, ''))
    e = {'protocol': 'mongodb', 'conn': '%s:%d' % sock.getsockname()[:2], 'request': q, 'response': None, 'outcome': 'open' if answered else 'oneway',
         'mark': {'request': {'Request.ID': q['id']}}}
    with lock:
        exchanges.append(e)
        if answered:
            waiting[id(conn)] = e


def got(conn, reply):
    e = waiting.get(id(conn))
    if not e or reply is None:
        return
    a = e['response'] = e['response'] or {'documents': 0, 'id': e['request']['id']}
    e['mark']['response'] = {'Response.ID': e['request']['id']}
    if hasattr(reply, 'payload_document'):
        a.update(answer_of(bson.decode(bytes(reply.payload_document)), e, a))
    elif e['request']['command'] in ('find', 'getMore'):
        a['documents'] += reply.number_returned
    else:
        a.update(answer_of(bson.decode(reply.documents if isinstance(reply.documents, bytes) else b''.join(reply.documents)), e, a))
    e['outcome'] = 'answered'


def answer_of(doc, e, a):
    cursor = doc.get('cursor') if isinstance(doc.get('cursor'), dict) else {}
    rows = cursor.get('firstBatch', cursor.get('nextBatch', doc.get('values') if e['request']['command'] == 'distinct' else None))
    failed = doc.get('code', 0) if doc['ok'] != 1 else (doc.get('writeErrors') or [{}])[0].get('code', 0)
    return {'ok': float(doc['ok']), 'code': failed, 'documents': a['documents'] + (len(rows) if rows is not None else 0)}


class Tap:
    """A socket that PyMongo 3 writes to."""

    def __init__(self, sock, owner):
        self._sock, self._owner = sock, owner

    def sendall(self, data):
        rest = bytes(data)
        while rest:
            n = struct.unpack('<i', rest[:4])[0]
            sent(self._owner, self._sock, rest[:n])
            rest = rest[n:]
        self._sock.sendall(data)

    def __getattr__(self, name):
        return getattr(self._sock, name)


def wrap_3():
    opened, receive = pool.SocketInfo.__init__, pool.receive_message

    def init(self, sock, *args, **kwargs):
        opened(self, Tap(sock, self), *args, **kwargs)

    def receive_message(conn, *args, **kwargs):
        reply = receive(conn, *args, **kwargs)
        got(conn, reply)
        return reply
    pool.SocketInfo.__init__ = init
    pool.receive_message = pool.command.__globals__['receive_message'] = receive_message


def wrap():
    if pymongo.version_tuple[0] < 4:
        wrap_3()
        return
    send, receive = pool.Connection.send_message, pool.Connection.receive_message

    def send_message(self, message, *args, **kwargs):
        sock = self.conn.get_conn if hasattr(self.conn, 'get_conn') else self.conn
        sent(self, getattr(sock, 'sock', sock), bytes(message))
        return send(self, message, *args, **kwargs)

    def receive_message(self, *args, **kwargs):
        reply = receive(self, *args, **kwargs)
        got(self, reply)
        return reply
    pool.Connection.send_message, pool.Connection.receive_message = send_message, receive_message


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except errors.PyMongoError:
        return None


def connect(host, port, **options):
    options.setdefault('heartbeatFrequencyMS', 500000)
    options.setdefault('serverSelectionTimeoutMS', 15000)
    return pymongo.MongoClient(host, port, maxPoolSize=2, **options)


def plain(host, port):
    """What applications do: writes, reads with cursors, aggregation, errors of every kind."""
    client = connect(host, port)
    db = client.shop
    items = db.items
    items.insert_many([{'_id': i, 'name': 'item %d <&> "quoted" \u00e9' % i, 'price': i * 1.5, 'tags': ['a', 'b'], 'stock': {'left': i}} for i in range(60)])
    items.insert_one({'_id': 'odd', 'oid': bson.ObjectId('0102030405060708090a0b0c'), 'when': datetime.datetime(2024, 2, 29, 12, 34, 56, 789000), 'none': None,
                      'yes': True, 'long': bson.Int64(1 << 40), 'data': b'\x00\x01\xfe', 're': re.compile('^a.*z$', re.I), 'half': 0.5})
    list(items.find({'price': {'$gt': 10, '$lt': 70.5}}, batch_size=10))
    list(items.find({'name': {'$in': ['item 1', 'item 2']}}, {'name': 1}, limit=3))
    items.find_one({'_id': 7})
    items.update_one({'_id': 7}, {'$set': {'name': 'seven'}})
    items.update_many({'price': {'$lt': 10}}, {'$inc': {'stock.left': 1}})
    items.find_one_and_update({'_id': 8}, {'$set': {'x': 1}})
    items.delete_one({'_id': 9})
    items.delete_many({'_id': {'$in': [10, 11, 12]}})
    items.count_documents({})
    items.distinct('tags')
    list(items.aggregate([{'$match': {'price': {'$gte': 3}}}, {'$sort': {'_id': 1}}, {'$limit': 50}], batchSize=30))
    cursor = items.find({}, batch_size=10)
    next(cursor)
    cursor.close()
    attempt(items.insert_one, {'_id': 7})
    attempt(items.insert_many, [{'_id': 500}, {'_id': 501}, {'_id': 500}], ordered=True)
    attempt(db.command, 'nosuchcommand', 'thing')
    attempt(list, items.find({'x': {'$nosuch': 1}}))
    attempt(items.create_index, [('name', 1)])
    attempt(lambda: list(items.list_indexes()))
    attempt(db.command, 'explain', {'find': 'items', 'filter': {'_id': 1}})
    db.list_collection_names()
    client.admin.command('ping')
    attempt(client.admin.command, 'buildInfo')
    attempt(client.admin.command, 'getParameter', '*')
    attempt(client.admin.command, 'getLog', 'startupWarnings')
    attempt(items.rename, 'goods')
    big = [{'_id': i, 'text': 'x' * 2500} for i in range(8)]
    db.big.insert_many(big)
    list(db.big.find())
    client.drop_database('shop')
    client.close()


def packed(host, port):
    """Each compressor, and exhaust cursors."""
    for compressor in ('snappy', 'zlib', 'zstd'):
        client = connect(host, port, compressors=compressor)
        for n in (3, 40):
            list(client.test.things.find({'n': n, 'what': 'compressible ' * 8}, batch_size=9))
        client.test.things.insert_many([{'_id': i, 'text': 'some text again ' * 10} for i in range(30)])
        attempt(client.test.command, 'nosuchcommand')
        client.test.get_collection('log', write_concern=pymongo.WriteConcern(w=0)).insert_one({'_id': 1, 'text': 'z' * 100})
        client.admin.command('ping')
        client.close()
    exhaust(host, port)


def exhaust(host, port):
    client = connect(host, port)
    for n in (2, 10, 30):
        list(client.test.things.find({'n': n}, cursor_type=pymongo.CursorType.EXHAUST, batch_size=4))
        client.admin.command('ping')
    client.close()


def legacy(host, port):
    """What a driver says to version 2.6: only commands in OP_QUERY, queries and cursors of old, writes without acknowledgement."""
    client = connect(host, port)
    things = client.test.things
    list(things.find({'n': 3}))
    list(things.find({'n': 17}, batch_size=5).sort('_id', 1))
    things.insert_many([{'_id': i} for i in range(5)])
    things.update_one({'_id': 1}, {'$set': {'a': 1}})
    loose = client.test.get_collection('log', write_concern=pymongo.WriteConcern(w=0))
    loose.insert_one({'_id': 1})
    loose.insert_many([{'_id': 2}, {'_id': 3}])
    loose.update_one({'_id': 1}, {'$set': {'a': 1}})
    loose.delete_one({'_id': 1})
    client.admin.command('ping')
    attempt(client.test.command, 'nosuchcommand')
    exhaust(host, port)
    client.close()


if __name__ == '__main__':
    wrap()
    globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
    time.sleep(0.2)
    json.dump({'pymongo': pymongo.version, 'exchanges': exchanges}, sys.stdout)
