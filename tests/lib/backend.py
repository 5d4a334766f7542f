"""A back end that misbehaves on request, and the program that sends to it."""

import collections
import gzip
import http.server
import json
import os
import socket
import subprocess
import threading
import time

import observe

DRIVE = os.path.join(os.path.dirname(observe.PACKETD), 'exporter_drive')


class Request:
    """One request as it came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.raw = method, path, headers, body
        self.body = gzip.decompress(body) if headers.get('Content-Encoding') == 'gzip' else body


class Backend:
    """Takes POST requests on a port of its own. `behave(number, request)` says what to answer: a status, or (status, headers, body),
    or one of 'hang', 'close', 'half', 'garbage'. What was answered with 2xx is in `taken`."""

    def __init__(self, behave=None, port=0, tls=None):
        self.behave = behave or (lambda number, request: 200)
        self.requests, self.taken = [], []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *args):
                pass

            def do_POST(self):
                outer.serve(self)

            do_PUT = do_POST

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request, client_address):
                pass

        self.server = Server(('127.0.0.1', port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = '%s://127.0.0.1:%d' % ('https' if tls else 'http', self.port)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
        self.thread.start()

    def serve(self, h):
        body = h.rfile.read(int(h.headers.get('Content-Length') or 0))
        request = Request(h.command, h.path, h.headers, body)
        with self.lock:
            number = len(self.requests)
            self.requests.append(request)
            what = self.behave(number, request)
            if not isinstance(what, str):
                status, headers, answer = (what, {}, b'') if isinstance(what, int) else what
                if 200 <= status < 300:
                    self.taken.append(request)
        if what == 'hang':
            self.stopping.wait(30)
            what = 'close'
        if what == 'close':
            h.close_connection = True
            h.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            h.connection.close()
            return
        if what == 'half':
            h.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf')
            h.close_connection = True
            return
        if what == 'garbage':
            h.wfile.write(b'\0\1\2 this is no HTTP\r\n\r\n')
            h.close_connection = True
            return
        h.send_response(status)
        for name, value in headers.items():
            h.send_header(name, value)
        h.send_header('Content-Length', str(len(answer)))
        h.end_headers()
        h.wfile.write(answer)

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for(condition, seconds=60, what='condition'):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError('%s: not within %d s' % (what, seconds))


class Drive:
    """exporter_drive, running."""

    def __init__(self, exporter, *options, **settings):
        command = [DRIVE, exporter, *map(str, options), *('%s=%s' % kv for kv in settings.items())]
        env = dict(os.environ, TZ='UTC')
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self, timeout=120):
        """Waits for the end; the counters, with the log as `log`, checked to add up."""
        out, err = self.process.communicate(timeout=timeout)
        text = err.decode('utf8', 'replace')
        assert self.process.returncode == 0, text[-4000:]
        assert 'runtime error' not in text and 'Sanitizer' not in text, text[-4000:]
        counters = json.loads(out.splitlines()[-1])
        check_sums(counters)
        counters['log'] = text
        return counters


DROPS = ('queue_full', 'refused', 'too_old', 'too_large', 'spool_full', 'error', 'abandoned')


def check_sums(c):
    assert c['offered'] == c['delivered'] + c['queued'] + sum(c[d] for d in DROPS), c


def drive(exporter, *options, **settings):
    return Drive(exporter, *options, **settings).end()


# --- protobuf, read by field numbers ---

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def fields(data):
    """{number: [values]} of a message: integers, or bytes."""
    out, at = collections.defaultdict(list), 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = int.from_bytes(data[at:at + 8], 'little'), at + 8
        elif wire == 2:
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
            assert len(value) == n
        elif wire == 5:
            value, at = int.from_bytes(data[at:at + 4], 'little'), at + 4
        else:
            raise ValueError('wire type %d' % wire)
        out[tag >> 3].append(value)
    return out


def records(request):
    """The spans (or log records, or metrics) of an export request."""
    return [r for resource in fields(request)[1] for scope in fields(resource)[2] for r in fields(scope)[2]]


def snappy(data):
    """Uncompresses the block format."""
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            n = tag >> 2
            if n >= 60:
                extra = n - 59
                n = int.from_bytes(data[at:at + extra], 'little')
                at += extra
            out += data[at:at + n + 1]
            at += n + 1
            continue
        if kind == 1:
            n, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            n, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], 'little')
            at += width
        for _ in range(n):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)
