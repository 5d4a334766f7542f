#!/usr/bin/env python3
"""Records the captures of this folder from real servers and clients: NAME.pcap with NAME.truth.json, the clients' own log.

usage: record.py [NAME]...      as root; nginx, redis-server, unbound, mariadb-server, postgresql, tcpdump, curl, dig, python3-redis,
python3-dnspython, python3-psycopg2, python3-psycopg, python3-asyncpg, nodejs, python3-grpcio, python3-confluent-kafka"""

import contextlib
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
import capfile  # noqa: E402
import clients as c  # noqa: E402
import kafkatalk  # noqa: E402
import mysql_talk as m  # noqa: E402
import pgclients as pg  # noqa: E402
import postgres as p  # noqa: E402
import servers as s  # noqa: E402
import talks as t  # noqa: E402
import truth  # noqa: E402
import wire  # noqa: E402


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


def record_kafka(name):
    """librdkafka and its mock cluster, alone in a network namespace."""
    log, path, place = c.Log(), os.path.join(HERE, name + '.pcap'), 'record-kafka'
    subprocess.run(['ip', 'netns', 'add', place], check=True)
    try:
        subprocess.run(['ip', '-n', place, 'link', 'set', 'lo', 'up'], check=True)
        with s.Tcpdump(path, 'lo', 'tcp', namespace=place):
            done = subprocess.run(['ip', 'netns', 'exec', place, '/usr/bin/python3', kafkatalk.__file__, '150'], capture_output=True, text=True, check=True)
    finally:
        subprocess.run(['ip', 'netns', 'del', place], check=True)
    log.exchanges = kafkatalk.exchanges(done.stderr, [p for p in map(wire.parse, capfile.read(path)) if p])
    print(c.dump(log, path.replace('.pcap', '.truth.json')), os.path.getsize(path), 'bytes')


# name -> (program that is server and client, port, its arguments)
TALKS = {
    'http2_node': (['node', 'node_talk.mjs'], 18082, ['12', '3000']),
    'grpc_python': (['/usr/bin/python3', 'grpc_talk.py'], 50051, ['20', '3000']),
}


def exchange(protocol, t):
    """A line of a talk as truth. Calls of a method are told apart by their sizes."""
    answered = t['outcome'] == 'answered'
    if protocol == 'grpc':
        size = sum(t['sent']) + 5 * len(t['sent'])
        return {'protocol': protocol, 'request': {'path': t['path']}, 'response': {'grpc_status': t['status']} if answered else None,
                'outcome': 'answered' if answered else 'reset', 'mark': {} if t.get('compressed') else {'request': {'Request.Path': t['path'], 'Request.Size': size}}}
    mark = {'request': {'Request.Path': t['path'], 'Request.Method': t['method']}}
    if t['path'].startswith('/many'):
        mark['response'] = {'Response.Header.X-Item.0': t['path']}
    return {'protocol': protocol, 'request': {'method': t['method'], 'path': t['path']}, 'response': {'status': t['status']} if answered else None, 'outcome': t['outcome'],
            'mark': mark if t['path'] else {}}


def record_talk(name):
    program, port, arguments = TALKS[name]
    path, protocol = os.path.join(HERE, name + '.pcap'), name.split('_')[0]
    with s.Loopback() as net:
        with s.Tcpdump(path, 'lo', 'port %d' % port, namespace=net.name):
            command = ['ip', 'netns', 'exec', net.name, program[0], os.path.join(HERE, '..', 'integration', 'h2', program[1]), str(port), *arguments]
            lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    first = next(p for p in map(wire.parse, capfile.read(path)) if p)
    exchanges = [exchange(protocol, json.loads(line)) for line in lines]
    marks = [json.dumps(e['mark'].get('request')) for e in exchanges]
    for e in exchanges:
        e['conn'] = '127.0.0.1:%d' % first.sport
        if marks.count(json.dumps(e['mark'].get('request'))) > 1:
            e['mark'] = {}
    truth.save(path.replace('.pcap', '.truth.json'), exchanges)
    print(name, len(exchanges), 'exchanges', os.path.getsize(path), 'bytes')


for wanted in sys.argv[1:] or [*CAPTURES, *TALKS, 'kafka_mock']:
    if wanted in TALKS:
        record_talk(wanted)
    elif wanted == 'kafka_mock':
        record_kafka(wanted)
    else:
        record(wanted)
