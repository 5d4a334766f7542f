#!/usr/bin/env python3
"""Gives a prepared statement values of many types, as Python applications do. usage: drive.py connector|psycopg|asyncpg HOST PORT"""

import asyncio
import datetime
import decimal
import json
import sys
import uuid

AT = datetime.datetime(2024, 12, 31, 23, 59, 58, 123456)
DAY = datetime.date(2024, 2, 29)
COMMON = [9223372036854775807, 0.1, decimal.Decimal('-12345.6700'), "it's ä €", '', b'\x00\xff\x01', DAY, AT, True, None]


def connector(host, port):
    import mysql.connector
    c = mysql.connector.connect(host=host, port=port, user='u', password='pw', database='d', use_pure=True, ssl_disabled=True)
    k = c.cursor(prepared=True)
    values = [*COMMON, datetime.timedelta(days=1, seconds=3, microseconds=5), 'x' * 300]
    for i in range(3):
        k.execute('select ' + ', '.join(['%s'] * (len(values) + 2)), ('values', -7 - i, *values))
        k.fetchall()
    k.close()
    c.close()


TYPES = ['int8', 'float8', 'numeric', 'text', 'text', 'bytea', 'date', 'timestamp', 'bool', 'int4']


def psycopg(host, port):
    import psycopg as p
    with p.connect('host=%s port=%d user=alice dbname=shop sslmode=disable' % (host, port), autocommit=True) as db:
        for mark in ('%s', '%b', '%t'):
            values = [v for v in COMMON if mark != '%b' or not isinstance(v, decimal.Decimal)] if mark == '%b' else COMMON
            types = [t for t in TYPES if mark != '%b' or t != 'numeric']
            for i in range(3):
                db.execute("select 'values', %s::int4, " % mark + ', '.join('%s::%s' % (mark, t) for t in types), (-7 - i, *values), prepare=i > 0)


async def asynchronous(host, port):
    import asyncpg
    db = await asyncpg.connect(host=host, port=port, user='alice', database='shop', ssl=False)
    types = ['int4', *TYPES, 'uuid', 'jsonb', 'time', 'float4', 'int2', 'interval', 'int4[]', 'timestamptz', 'date', 'numeric', 'timestamp', 'oid', 'varchar']
    more = [uuid.UUID('12345678-9abc-def0-1234-56789abcdef0'), json.dumps({'a': 1}), datetime.time(23, 59, 58, 120000), 0.1, -32768, datetime.timedelta(days=1), [1, 2],
            datetime.datetime(1969, 7, 20, 20, 17, 40, tzinfo=datetime.timezone.utc), datetime.date(1, 1, 2), decimal.Decimal('0.00001230'), datetime.datetime(2000, 1, 1), 4294967295, 'v']
    for i in range(3):
        await db.fetch("select 'values', " + ', '.join('$%d::%s' % (n + 1, t) for n, t in enumerate(types)), -7 - i, *COMMON, *more)
    await db.close()


def main():
    kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == 'asyncpg':
        asyncio.run(asynchronous(host, port))
    else:
        {'connector': connector, 'psycopg': psycopg}[kind](host, port)


main()
