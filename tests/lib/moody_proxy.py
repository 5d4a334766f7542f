"""usage: moody_proxy.py PORT TARGET-PORT MOOD-FILE
Hands POST requests on to a server behind it, in the mood that the file says at that moment: pass, a status (500, 429: with Retry-After),
slow (2 s), lost (the server gets it, but the answer is lost). Counts its answers into MOOD-FILE.counts."""

import collections
import http.client
import http.server
import json
import os
import sys
import threading
import time

PORT, TARGET, MOODS = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
counts, lock = collections.Counter(), threading.Lock()


def count(what):
    with lock:
        counts[what] += 1
        with open(MOODS + '.counts.new', 'w', encoding='utf8') as f:
            json.dump(counts, f)
        os.rename(MOODS + '.counts.new', MOODS + '.counts')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, body=b'', **headers):
        count(str(status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hand_on(self, body):
        c = http.client.HTTPConnection('127.0.0.1', TARGET, timeout=20)
        try:
            c.request('POST', self.path, body, {k: v for k, v in self.headers.items() if k.lower() not in ('host', 'connection')})
            r = c.getresponse()
            return r.status, r.read()
        except OSError:
            return 502, b'nobody there'
        finally:
            c.close()

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        with open(MOODS, encoding='utf8') as f:
            mood = f.read().strip()
        if mood.isdigit():
            self.answer(int(mood), b'not now', **({'Retry_After': '1'} if mood == '429' else {}))
            return
        if mood == 'slow':
            time.sleep(2)
        status, text = self.hand_on(body)
        if mood == 'lost':
            count('lost')
            self.close_connection = True
            return
        self.answer(status, text)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


Server(('127.0.0.1', PORT), Handler).serve_forever()
