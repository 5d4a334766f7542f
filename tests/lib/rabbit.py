"""RabbitMQ with a node, ports and folders of its own, and what pika's clients say to it. Needs rabbitmq-server and python3-pika (Debian)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import servers

BIN = '/usr/lib/rabbitmq/bin'
TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'


def absent():
    """Why there can be no broker here; None when there can."""
    try:
        import pika  # noqa: F401
    except ImportError:
        return 'python3-pika is not installed'
    return None if os.path.exists(os.path.join(BIN, 'rabbitmq-server')) else 'rabbitmq-server is not installed'


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Rabbit(servers.Server):
    """`management`: with the plug-in whose counters are asked for by stats()."""

    def __init__(self, port=None, management=False):
        super().__init__()
        amqp, self.web, dist, epmd = free_ports(4)
        self.port = port or amqp
        self.address = '127.0.0.1'
        conf, plugins = os.path.join(self.dir, 'rabbitmq.conf'), os.path.join(self.dir, 'plugins')
        with open(conf, 'w', encoding='utf8') as f:
            f.write('listeners.tcp.1 = 127.0.0.1:%d\nlog.console = true\nlog.console.level = warning\nvm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 1MB\n' % self.port)
            if management:
                f.write('management.tcp.port = %d\nmanagement.tcp.ip = 127.0.0.1\ncollect_statistics_interval = 1000\n' % self.web)
        with open(plugins, 'w', encoding='utf8') as f:
            f.write('[rabbitmq_management].' if management else '[].')
        env = dict(os.environ, HOME=self.dir, RABBITMQ_NODENAME='packetd%d@localhost' % self.port, RABBITMQ_DIST_PORT=str(dist), ERL_EPMD_PORT=str(epmd),
                   RABBITMQ_MNESIA_BASE=os.path.join(self.dir, 'mnesia'), RABBITMQ_LOG_BASE=self.dir, RABBITMQ_ENABLED_PLUGINS_FILE=plugins,
                   RABBITMQ_CONFIG_FILE=conf, RABBITMQ_PID_FILE=os.path.join(self.dir, 'pid'), ERL_EPMD_ADDRESS='127.0.0.1', RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 1:1 +sbwt none')
        self.epmd = ['epmd', '-port', str(epmd)]
        self.start([os.path.join(BIN, 'rabbitmq-server')], lambda: self.listening(self.address, self.port) and (not management or self.listening(self.address, self.web)), env, 120)

    def start(self, command, ready, env=None, seconds=120):
        wait = servers.wait_for
        servers.wait_for = lambda check, what, _=0: wait(check, what, seconds)
        try:
            super().start(command, ready, env)
        finally:
            servers.wait_for = wait

    def stats(self):
        """What the broker has counted so far, by name."""
        import base64
        ask = urllib.request.Request('http://127.0.0.1:%d/api/overview' % self.web, headers={'Authorization': 'Basic ' + base64.b64encode(b'guest:guest').decode()})
        with urllib.request.urlopen(ask, timeout=20) as answer:
            counted = json.load(answer).get('message_stats', {})
        return {k: v for k, v in counted.items() if isinstance(v, int)}

    def stop_node(self):
        """The script that was started does not take the node with it."""
        try:
            with open(os.path.join(self.dir, 'pid'), encoding='utf8') as f:
                node = int(f.read())
            os.kill(node, signal.SIGTERM)
        except (OSError, ValueError):
            return
        end = time.monotonic() + 20
        while os.path.exists('/proc/%d' % node) and time.monotonic() < end:
            time.sleep(0.1)
        if os.path.exists('/proc/%d' % node):
            os.kill(node, signal.SIGKILL)

    def close(self):
        folder = self.dir
        self.stop_node()
        super().close()
        subprocess.run([*self.epmd, '-kill'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


class Log:
    """Exchanges as the client knows them, in the form of tests/lib/truth.py."""

    def __init__(self):
        self.exchanges = []

    def add(self, conn, method, outcome='answered', answer=None, mark=None, response_mark=None, by_server=False, **fields):
        e = {'protocol': 'amqp', 'conn': conn, 'request': {'method': method, **fields}, 'response': {'answer': answer} if answer else None, 'outcome': outcome}
        if mark:
            e['mark'] = {'request': mark}
            if response_mark:
                e['mark']['response'] = response_mark
        self.exchanges.append(e)


def connect(log, rabbit, **more):
    import pika
    connection = pika.BlockingConnection(pika.ConnectionParameters(rabbit.address, rabbit.port, **more))
    host, port = connection._impl._transport._sock.getsockname()[:2]
    client, server = '%s:%d' % (host, port), '%s:%d' % (rabbit.address, rabbit.port)
    log.add(server, 'Connection.Start', answer='Start-Ok')
    log.add(server, 'Connection.Tune', answer='Tune-Ok')
    log.add(client, 'Connection.Open', answer='Open-Ok')
    return connection, client, server


def open_channel(log, connection, client):
    channel = connection.channel()
    log.add(client, 'Channel.Open', answer='Open-Ok')
    return channel


def talk(log, rabbit, messages=30, big=200000):
    """Declarations, publishes with and without confirms, deliveries settled in every way, gets, refusals."""
    import pika
    connection, client, server = connect(log, rabbit)
    a = open_channel(log, connection, client)
    a.exchange_declare('logs', exchange_type='topic')
    log.add(client, 'Exchange.Declare', answer='Declare-Ok', exchange='logs')
    queue = a.queue_declare('', exclusive=True).method.queue
    log.add(client, 'Queue.Declare', answer='Declare-Ok', queue='')
    a.queue_bind(queue, 'logs', 'a.#')
    log.add(client, 'Queue.Bind', answer='Bind-Ok', exchange='logs', key='a.#', queue=queue)

    def publish(i, outcome, answer=None):
        size = i * 7 % 2000
        a.basic_publish('logs', 'a.%d' % i, b'b' * size, pika.BasicProperties(message_id='m%d' % i, correlation_id='c%d' % i, headers={'traceparent': TRACE, 'n': i}))
        number = {'Response.ChannelID': a.channel_number, 'Response.Port': rabbit.port, 'Response.DeliveryTag': i - messages + 1}
        log.add(client, 'Basic.Publish', outcome, answer, {'Request.ClassMethod.Method': 'Publish', 'Request.MessageID': 'm%d' % i}, number if answer else None, exchange='logs', key='a.%d' % i, size=size)
    for i in range(messages):
        publish(i, 'oneway')
    a.confirm_delivery()
    log.add(client, 'Confirm.Select', answer='Select-Ok')
    for i in range(messages, 2 * messages):
        publish(i, 'answered', 'Ack')
    settle(log, connection, client, server, queue, 2 * messages, big)
    refusals(log, connection, client, server)
    a.exchange_delete('logs')
    log.add(client, 'Exchange.Delete', answer='Delete-Ok', exchange='logs')
    connection.close()
    log.add(client, 'Channel.Close', answer='Close-Ok')
    log.add(client, 'Connection.Close', answer='Close-Ok')


def settle(log, connection, client, server, queue, last, big):
    """Every message from a consumer, which acknowledges in groups, one by one, and refuses; then a big one by a get."""
    b = open_channel(log, connection, client)
    b.basic_qos(prefetch_count=last)
    log.add(client, 'Basic.Qos', answer='Qos-Ok')
    held = []

    def delivered(channel, method, properties, body):
        held.append((method.delivery_tag, properties.message_id))
        if method.delivery_tag % 5 and method.delivery_tag < last:
            return
        answer = 'Ack'
        if method.delivery_tag % 15 == 0 and method.delivery_tag < last:
            channel.basic_nack(method.delivery_tag, multiple=True, requeue=False)
            answer = 'Nack'
        elif method.delivery_tag % 10 == 0 and method.delivery_tag < last:
            channel.basic_reject(method.delivery_tag, requeue=False)
            answer = 'Reject'
        else:
            channel.basic_ack(method.delivery_tag, multiple=True)
        settled = held[-1:] if answer == 'Reject' else held[:]
        for tag, name in settled:
            log.add(server, 'Basic.Deliver', answer=answer, mark={'Request.ClassMethod.Method': 'Deliver', 'Request.MessageID': name}, queue=queue, tag=tag)
            held.remove((tag, name))
        if method.delivery_tag == last:
            channel.stop_consuming()
    b.basic_consume(queue, delivered)
    log.add(client, 'Basic.Consume', answer='Consume-Ok', queue=queue)
    b.start_consuming()
    log.add(client, 'Basic.Cancel', answer='Cancel-Ok')
    b.close()
    log.add(client, 'Channel.Close', answer='Close-Ok')
    g = open_channel(log, connection, client)
    g.basic_publish('', queue, b'b' * big)
    log.add(client, 'Basic.Publish', 'oneway', key=queue, size=big)
    method, _, body = g.basic_get(queue, auto_ack=True)
    assert len(body) == big and method.delivery_tag == 1
    log.add(client, 'Basic.Get', answer='Get-Ok', queue=queue)
    assert g.basic_get(queue, auto_ack=True)[0] is None
    log.add(client, 'Basic.Get', answer='Get-Empty', queue=queue)
    g.close()
    log.add(client, 'Channel.Close', answer='Close-Ok')


def refusals(log, connection, client, server):
    import pika
    c = open_channel(log, connection, client)
    try:
        c.queue_declare('missing', passive=True)
        raise AssertionError('there is such a queue')
    except pika.exceptions.ChannelClosedByBroker:
        log.add(client, 'Queue.Declare', answer='Close', queue='missing', error='NOT_FOUND')
        log.add(server, 'Channel.Close', answer='Close-Ok', error='NOT_FOUND')
    d = open_channel(log, connection, client)
    d.confirm_delivery()
    log.add(client, 'Confirm.Select', answer='Select-Ok')
    try:
        d.basic_publish('', 'nowhere', b'x', mandatory=True)
        raise AssertionError('it was routed')
    except pika.exceptions.UnroutableError:
        log.add(server, 'Basic.Return', 'oneway', key='nowhere', error='NO_ROUTE')
        log.add(client, 'Basic.Publish', answer='Ack', key='nowhere', error='NO_ROUTE')
    d.close()
    log.add(client, 'Channel.Close', answer='Close-Ok')
