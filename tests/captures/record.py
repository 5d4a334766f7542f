#!/usr/bin/env python3
"""Records the captures of this folder from real servers and clients: NAME.pcap with NAME.truth.json, the clients' own log.

usage: record.py [NAME]...      as root; nginx, redis-server, unbound, mariadb-server, postgresql, tcpdump, curl, dig, python3-redis,
python3-dnspython, python3-psycopg2, python3-psycopg, python3-asyncpg"""

import contextlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
import clients as c  # noqa: E402
import mysql_talk as m  # noqa: E402
import pgclients as pg  # noqa: E402
import postgres as p  # noqa: E402
import servers as s  # noqa: E402
import talks as t  # noqa: E402


# name -> (server, port, over a veth pair?, client); the ports of the first of each kind are the default ones, the others are not
CAPTURES = {
    'http_keepalive': (s.Nginx, 80, True, t.http_keepalive),
    'http_misc': (s.Nginx, 18080, False, t.http_misc),
    'http_pipelined': (s.Nginx, 18081, False, t.http_pipelined),
    'pg_simple': (p.Postgres, 5432, True, pg.pg_simple),
    'pg_extended': (p.Postgres, 15433, False, pg.pg_extended),
    'pg_pipelined': (p.Postgres, 15434, False, pg.pg_pipelined),
    'redis_plain': (s.Redis, 6379, True, t.redis_plain),
    'redis_pipelined': (s.Redis, 16380, False, t.redis_pipelined),
    'redis_resp3': (s.Redis, 16381, False, t.redis_resp3),
    'mysql_plain': (s.MariaDB, 3306, True, m.plain),
    'mysql_modern': (s.MariaDB, 13307, False, m.modern),
    'mysql_compressed': (s.MariaDB, 13308, False, m.compressed),
    'dns_udp': (s.Unbound, 53, False, t.dns_udp),
    'dns_tcp': (s.Unbound, 15301, False, t.dns_tcp),
}


def record(name):
    kind, port, over_veth, talk = CAPTURES[name]
    log, path = c.Log(), os.path.join(HERE, name + '.pcap')
    with contextlib.ExitStack() as stack:
        veth = stack.enter_context(s.Veth()) if over_veth else None
        server = stack.enter_context(kind(s.Veth.SERVER if veth else '127.0.0.1', port, namespace=veth.server if veth else None))
        stack.enter_context(s.Tcpdump(path, 'v0' if veth else 'lo', 'port %d' % port, namespace=veth.client if veth else None))
        with c.inside(veth.client if veth else None):
            talk(log, server)
    print(c.dump(log, path.replace('.pcap', '.truth.json')), os.path.getsize(path), 'bytes')


for wanted in sys.argv[1:] or CAPTURES:
    record(wanted)
