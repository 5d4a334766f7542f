#!/usr/bin/python3
"""The service of the Go peer as a server and as a client, with grpcio and no generated code.

usage: grpcpeer.py server PORT | client PORT CALLS            SPDX-License-Identifier: Apache-2.0"""

import concurrent.futures
import json
import sys
import threading
import time

import grpc

SERVICE = '/shop.v1.Cart/'
LOCK = threading.Lock()
LINES = []


def note(method, status, message, sent, got, outcome='', gzip=False):
    with LOCK:
        LINES.append(json.dumps({'path': SERVICE + method, 'status': status, 'message': message, 'sent': sent, 'got': got, 'outcome': outcome, 'gzip': gzip}))


def tell():
    print('\n'.join(LINES))


def answers(method, requests, context, sent, got):
    """What a method says; `got` fills as it reads."""
    def received():
        for b in requests:
            got.append(len(b))
            yield b
    if method == 'Chat':
        for b in received():
            yield b + b
        return
    last = b''
    for last in received():
        pass
    if method == 'Add':
        yield b'r' * len(last)
    elif method == 'Collect':
        yield b'c' * len(got)
    elif method in ('List', 'Break'):
        for i in range(10):
            if method == 'Break' and i == 3:
                context.abort(grpc.StatusCode.ABORTED, 'half way')
            yield b'i' * (i * i)
    elif method == 'Fail':
        context.abort(grpc.StatusCode.NOT_FOUND, 'no such thing: 100% \u20ac\n')
    else:
        while context.is_active():
            if method == 'Endless':
                yield b'tick'
            time.sleep(0.01)


def handler(method):
    def behave(requests, context):
        sent, got = [], []
        context.set_trailing_metadata((('x-cost', '7'),))
        status, message = (1, '') if method in ('Slow', 'Endless') else (5, 'no such thing: 100% \u20ac\n') if method == 'Fail' else (10, 'half way') if method == 'Break' else (0, '')
        try:
            for b in answers(method, requests, context, sent, got):
                sent.append(len(b))
                yield b
        finally:
            note(method, status, message, sent, got)
    return grpc.stream_stream_rpc_method_handler(behave)


class Handlers(grpc.GenericRpcHandler):
    def service(self, details):
        method = details.method[len(SERVICE):]
        return None if method == 'Nothing' else handler(method)


def serve(port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), handlers=(Handlers(),))
    if not server.add_insecure_port('127.0.0.1:%d' % port):
        raise SystemExit('the port is taken')
    server.start()
    sys.stdin.read()
    server.stop(1).wait()
    tell()


def ask(channel, method, *requests, cancel_after=0, timeout=None, gzip=False):
    sent, got, status, message = [len(b) for b in requests], [], 0, ''
    call = channel.stream_stream(SERVICE + method)(iter(requests), timeout=timeout, metadata=(('x-client', 'python'),),
                                                   compression=grpc.Compression.Gzip if gzip else None)
    try:
        for b in call:
            got.append(len(b))
            if len(got) == cancel_after:
                call.cancel()
    except grpc.RpcError as e:
        status, message = e.code().value[0], e.details()
    note(method, status, message, sent, got, 'ended' if cancel_after or timeout else '', gzip)


def talk(port, many):
    with grpc.insecure_channel('127.0.0.1:%d' % port) as channel:
        ask(channel, 'Add', b'a' * 12)
        ask(channel, 'Fail', b'x')
        ask(channel, 'Nothing', b'x')
        ask(channel, 'Add', b'b' * 5000, gzip=True)
        ask(channel, 'List', b'abc')
        ask(channel, 'Break', b'abc')
        ask(channel, 'Collect', *(b'm' * i for i in range(7)))
        ask(channel, 'Chat', b'1', b'22', b'333')
        ask(channel, 'Add', b'B' * 300000)
        ask(channel, 'Slow', b'x', timeout=0.3)
        ask(channel, 'Endless', b'go', cancel_after=3)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: ask(channel, 'Add', b'p' * (i % 100)), range(many)))
    tell()


if sys.argv[1] == 'server':
    serve(int(sys.argv[2]))
else:
    talk(int(sys.argv[2]), int(sys.argv[3]))
