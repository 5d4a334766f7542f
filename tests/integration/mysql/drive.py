#!/usr/bin/env python3
"""What Python drivers say to a server. usage: drive.py pymysql|mysqlclient|connector|attributes HOST PORT [compress]"""

import contextlib
import sys


def rows(cursor, sql, *values):
    cursor.execute(sql, *values)
    return cursor.fetchall() if cursor.description else None


def fails(call, *args):
    with contextlib.suppress(Exception):
        call(*args)


def pymysql_talk(host, port):
    import pymysql
    c = pymysql.connect(host=host, port=port, user='u', password='pw', database='d', local_infile=True, autocommit=True,
                        client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)
    k = c.cursor()
    rows(k, 'insert into t (a, b) values (%s, %s)', ('it\'s', b'\x00\xff'))
    k.executemany('insert into t (a) values (%s)', [('m%d' % i,) for i in range(20)])
    rows(k, 'select id, a, b from t')
    fails(rows, k, 'select * from nothing_python')
    rows(k, 'select 1; update counter set n = 3; select 2, 3 union select 4, 5')
    while k.nextset():
        k.fetchall()
    k.callproc('p')
    while k.nextset():
        pass
    c.ping()
    c.select_db('mysql')
    rows(k, 'use d')
    rows(k, 'select database()')
    rows(k, "select repeat('x', 3000)")
    c.close()
    fails(lambda: pymysql.connect(host=host, port=port, user='u', password='wrong'))


def connector_talk(host, port, **more):
    import mysql.connector
    c = mysql.connector.connect(host=host, port=port, user='u', password='pw', database='d', use_pure=True, ssl_disabled=True, **more)
    k = c.cursor(buffered=True)
    rows(k, 'select seq from seq_1_to_9')
    k = c.cursor(prepared=True)
    for n in range(3):
        rows(k, 'select id, a from t where id < ? or a = ?', (n * 10, 'x'))
    fails(rows, k, 'selec ?', (1,))
    k.close()
    c.commit()
    if not more:  # the driver has that without compression only
        c.cmd_change_user('u', 'pw', 'd')
    c.cmd_reset_connection()
    c.cmd_statistics()
    c.ping()
    c.close()


def attributes_talk(host, port, **more):
    import mysql.connector
    c = mysql.connector.connect(host=host, port=port, user='u', password='pw', database='d', use_pure=True, ssl_disabled=True, **more)
    k = c.cursor(buffered=True)
    rows(k, 'select 3')
    k.add_attribute('trace', 'abc-123')
    k.add_attribute('n', 42)
    rows(k, 'select 4')
    rows(k, 'use other')
    rows(k, 'update it, rows 7')
    fails(rows, k, 'fail 1234 as it should')
    c.close()


def mysqlclient_talk(host, port, **more):
    import MySQLdb
    c = MySQLdb.connect(host=host, port=port, user='u', passwd='pw', db='d', autocommit=True, **more)
    k = c.cursor()
    k.execute('insert into t (a, b) values (%s, %s)', ("it's", b'\x00\xff'))
    k.executemany('insert into t (a) values (%s)', [('c%d' % i,) for i in range(20)])
    rows(k, 'select id, a from t where a like %s', ('c%',))
    fails(rows, k, 'select * from nothing_mysqlclient')
    k.callproc('p')
    while k.nextset():
        pass
    c.ping()
    c.select_db('mysql')
    rows(k, 'select database()')
    fails(c.change_user, 'u', 'pw', 'd')
    c.close()
    fails(lambda: MySQLdb.connect(host=host, port=port, user='u', passwd='wrong'))


def main():
    kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    more = {'compress': True} if 'compress' in sys.argv[4:] else {}
    {'pymysql': pymysql_talk, 'mysqlclient': mysqlclient_talk, 'connector': connector_talk, 'attributes': attributes_talk}[kind](host, port, **more)


main()
