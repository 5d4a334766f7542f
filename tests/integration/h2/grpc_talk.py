#!/usr/bin/env python3
"""A gRPC server and its client (grpcio) talk on a port of 127.0.0.1, without generated code; prints what took place, a JSON object a line.

usage: grpc_talk.py PORT [CALLS [BYTES]]            SPDX-License-Identifier: Apache-2.0"""

import concurrent.futures
import json
import sys
import time

import grpc

SERVICE = 'shop.v1.Cart'
PORT = int(sys.argv[1])
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
LARGE = int(sys.argv[3]) if len(sys.argv) > 3 else 300000


def add(request, context):
    context.set_trailing_metadata((('x-cost', '7'),))
    return b'r' * len(request)


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, 'no such thing: 100% \u20ac\n')


def slow(request, context):
    while context.is_active():
        time.sleep(0.01)
    return b''


def listing(request, context):
    for i in range(10):
        yield b'i' * i


def collect(requests, context):
    return b'c' * sum(1 for _ in requests)


def chat(requests, context):
    for r in requests:
        yield r + r


class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        return {
            '/%s/Add' % SERVICE: grpc.unary_unary_rpc_method_handler(add),
            '/%s/Fail' % SERVICE: grpc.unary_unary_rpc_method_handler(fail),
            '/%s/Slow' % SERVICE: grpc.unary_unary_rpc_method_handler(slow),
            '/%s/List' % SERVICE: grpc.unary_stream_rpc_method_handler(listing),
            '/%s/Endless' % SERVICE: grpc.unary_stream_rpc_method_handler(lambda r, c: endless(c)),
            '/%s/Collect' % SERVICE: grpc.stream_unary_rpc_method_handler(collect),
            '/%s/Chat' % SERVICE: grpc.stream_stream_rpc_method_handler(chat),
        }.get(details.method)


def endless(context):
    while context.is_active():
        yield b'tick'
        time.sleep(0.01)


talk = []


def note(method, status, sent, got, outcome='answered', **more):
    talk.append({'path': '/%s/%s' % (SERVICE, method), 'status': status, 'sent': sent, 'got': got, 'outcome': outcome, **more})


def unary(channel, method, request=b'', timeout=None, outcome='answered', **more):
    call = channel.unary_unary('/%s/%s' % (SERVICE, method))
    try:
        reply = call(request, timeout=timeout, **more)
        note(method, 0, [len(request)], [len(reply)], outcome)
    except grpc.RpcError as e:
        note(method, e.code().value[0], [len(request)], [], outcome, message=e.details() if outcome == 'answered' else None)


def main():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8), handlers=(Handler(),))
    if not server.add_insecure_port('127.0.0.1:%d' % PORT):
        raise SystemExit('the port is taken')
    server.start()
    with grpc.insecure_channel('127.0.0.1:%d' % PORT) as channel:
        unary(channel, 'Add', b'a' * 12, metadata=(('authorization', 'Bearer t0k3n'), ('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')))
        unary(channel, 'Fail', b'x')
        unary(channel, 'Nothing', b'x')
        unary(channel, 'Add', b'b' * 5000, compression=grpc.Compression.Gzip)
        talk[-1]['compressed'] = True
        if LARGE > 10000:  # not in recordings: both sides end such a call at the same time
            unary(channel, 'Slow', b'x', timeout=0.3, outcome='ended')
        note('List', 0, [3], [len(m) for m in channel.unary_stream('/%s/List' % SERVICE)(b'abc')])
        n = len(channel.stream_unary('/%s/Collect' % SERVICE)(iter([b'm' * i for i in range(7)])))
        note('Collect', 0, list(range(7)), [n])
        note('Chat', 0, [1, 2, 3], [len(m) for m in channel.stream_stream('/%s/Chat' % SERVICE)(iter([b'1', b'22', b'333']))])
        stream = channel.unary_stream('/%s/Endless' % SERVICE)(b'go')
        for _ in range(3):
            next(stream)
        stream.cancel()
        note('Endless', 1, [2], None, 'ended')
        time.sleep(0.05)
        big = b'B' * LARGE
        unary(channel, 'Add', big)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: unary(channel, 'Add', b'p' * (i % 100)), range(CALLS)))
    server.stop(1).wait()
    for t in talk:
        print(json.dumps(t))


main()
