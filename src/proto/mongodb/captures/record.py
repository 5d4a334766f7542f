#!/usr/bin/env python3
"""Records this folder anew: NAME.pcap, NAME.truth.json (the driver's own log) and NAME.json (what the program reports of it, to be read
before it is committed). As root, with tcpdump, Go 1.22 and what tests/lib/mongo_tools.py gets from registries.

usage: record.py [NAME]..."""

import contextlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..', '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import mongo_server  # noqa: E402
import mongo_tools  # noqa: E402
import servers  # noqa: E402
import truth  # noqa: E402

# name -> (server, scenario, with the new PyMongo?)
CAPTURES = {
    'mongodb_plain': (lambda: mongo_tools.FerretDB(port=27017), 'plain', True),
    'mongodb_old_driver': (lambda: mongo_tools.FerretDB(port=37018), 'plain', False),
    'mongodb_packed': (lambda: mongo_server.MongoServer(port=37019), 'packed', True),
    'mongodb_legacy': (lambda: mongo_server.MongoServer(port=37020, wire_version=2), 'legacy', False),
}


def record(name):
    kind, scenario, new = CAPTURES[name]
    path = os.path.join(HERE, name + '.pcap')
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(kind())
        stack.enter_context(servers.Tcpdump(path, 'lo', 'port %d' % server.port))
        exchanges = mongo_tools.run_client(scenario, server, mongo_tools.new_pymongo() if new else None)
    truth.save(path.replace('.pcap', '.truth.json'), exchanges)
    program = os.environ.get('PACKETD', os.path.join(ROOT, 'build', 'packetd'))
    with open(path.replace('.pcap', '.json'), 'wb') as f:
        subprocess.run([program, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], env=dict(os.environ, TZ='UTC'), stdout=f, check=True)
    print(name, len(exchanges), os.path.getsize(path), 'bytes')


for wanted in sys.argv[1:] or CAPTURES:
    record(wanted)
