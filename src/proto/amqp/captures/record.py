#!/usr/bin/python3
"""Records this folder anew: NAME.pcap, NAME.truth.json (the client's own log) and NAME.json (what the program reports of it, to be read
before it is committed). As root, with tcpdump, rabbitmq-server and python3-pika.

usage: record.py"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..', '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import rabbit  # noqa: E402
import servers  # noqa: E402
import truth  # noqa: E402

path = os.path.join(HERE, 'amqp_rabbitmq.pcap')
log = rabbit.Log()
with rabbit.Rabbit() as broker, servers.Tcpdump(path, 'lo', 'port %d' % broker.port):
    rabbit.talk(log, broker, 12, 60000)
truth.save(path.replace('.pcap', '.truth.json'), log.exchanges)
program = os.environ.get('PACKETD', os.path.join(ROOT, 'build', 'packetd'))
with open(path.replace('.pcap', '.json'), 'wb') as f:
    subprocess.run([program, 'watch', '--pcap-file', path, '-o', 'json', '--no-summary'], env=dict(os.environ, TZ='UTC'), stdout=f, check=True)
print(len(log.exchanges), os.path.getsize(path), 'bytes')
