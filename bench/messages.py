"""More captures for the benchmark, as record.py makes them: HTTP/2 with h2load, Kafka with librdkafka, AMQP with pika and RabbitMQ.

The Kafka broker is librdkafka's mock cluster, which listens where it likes: capture and port are told to tshark together."""

import json
import os
import re
import subprocess

import kafkatalk
import rabbit
import servers
from record import make
from report import DATA, scaled

HTTP2_PORT, AMQP_PORT = 8080, 5672
PYTHON = '/usr/bin/python3'


class Nghttpd(servers.Server):
    def __init__(self, port):
        super().__init__()
        with open(os.path.join(self.dir, 'page'), 'wb') as f:
            f.write(b'p' * 200)
        self.start(['nghttpd', '--no-tls', '-n', '1', '-m', '1000', '-d', self.dir, str(port)], lambda: self.listening('127.0.0.1', port))


def h2load(n):
    """Over ten connections of ten streams at once -> its count of requests that succeeded, and of those in a second."""
    text = subprocess.run(['h2load', '-n', str(n), '-c', '10', '-m', '10', 'http://127.0.0.1:%d/page' % HTTP2_PORT], capture_output=True, text=True, check=True).stdout
    sent, succeeded, failed = (int(re.search(p, text)[1]) for p in (r'requests: (\d+) total', r'(\d+) succeeded', r'(\d+) failed'))
    if failed or sent != succeeded:
        raise RuntimeError('h2load: ' + text)
    return succeeded, float(re.search(r'([\d.]+) req/s', text)[1])


def http2():
    each = scaled(20_000, 100)

    def load():
        with Nghttpd(HTTP2_PORT):
            return h2load(each)[0]
    return make('http2', each, HTTP2_PORT, load)


def kafka():
    """Produce requests of a few records each, then fetches: the answers that librdkafka's log says it received."""
    each = scaled(4000, 50)
    note = os.path.join(DATA, 'kafka_port.json')

    def load():
        done = subprocess.run([PYTHON, kafkatalk.__file__, str(each), 'many'], capture_output=True, text=True, check=True)
        port = json.loads(done.stdout)['port']
        with open(note, 'w', encoding='utf8') as f:
            json.dump(port, f)
        return sum(kafkatalk.log(done.stderr)[1].values()), port
    path, truth = make('kafka', each, None, load)
    with open(note, encoding='utf8') as f:
        return path, truth, json.load(f)


def amqp():
    """What pika knows to have been answered: publishes with confirms, deliveries with acknowledgements."""
    each = scaled(1500, 20)

    def load():
        log = rabbit.Log()
        with rabbit.Rabbit(port=AMQP_PORT) as broker:
            rabbit.talk(log, broker, each)
        return sum(e['outcome'] == 'answered' for e in log.exchanges)
    return make('amqp', each, AMQP_PORT, load)
