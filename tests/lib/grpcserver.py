"""A gRPC server that takes unary calls over HTTP/2 without TLS and answers as it is told."""

import gzip
import socket
import threading

import h2.config
import h2.connection
import h2.events


class GrpcServer:
    """`behave(number, path, message)` returns the grpc-status, or (status, more trailers, answer message), or 'close'."""

    def __init__(self, behave=None, port=0):
        self.behave = behave or (lambda number, path, message: 0)
        self.calls = []   # (path, headers, message) of those answered with 0
        self.number = 0
        self.lock = threading.Lock()
        self.socket = socket.create_server(('127.0.0.1', port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        c.initiate_connection()
        c.increment_flow_control_window(1 << 26)
        c.update_settings({4: 1 << 26})
        s.sendall(c.data_to_send())
        streams = {}
        try:
            while data := s.recv(65536):
                for e in c.receive_data(data):
                    if isinstance(e, h2.events.RequestReceived):
                        streams[e.stream_id] = ({k.decode() if isinstance(k, bytes) else k: v.decode() if isinstance(v, bytes) else v for k, v in e.headers}, bytearray())
                    elif isinstance(e, h2.events.DataReceived):
                        streams[e.stream_id][1].extend(e.data)
                        c.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
                    elif isinstance(e, h2.events.StreamEnded):
                        if not self.answer(c, e.stream_id, *streams.pop(e.stream_id)):
                            s.close()
                            return
                s.sendall(c.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            s.close()

    def answer(self, c, stream, headers, body):
        assert headers['content-type'].startswith('application/grpc') and headers['te'] == 'trailers', headers
        assert int.from_bytes(body[1:5], 'big') == len(body) - 5
        message = bytes(body[5:])
        if body[0]:
            assert headers['grpc-encoding'] == 'gzip'
            message = gzip.decompress(message)
        with self.lock:
            what = self.behave(self.number, headers[':path'], message)
            self.number += 1
            if what == 'close':
                return False
            status, trailers, reply = what if isinstance(what, tuple) else (what, {}, b'')
            if status == 0:
                self.calls.append((headers[':path'], headers, message))
        c.send_headers(stream, [(':status', '200'), ('content-type', 'application/grpc')])
        if reply is not None:
            c.send_data(stream, b'\0' + len(reply).to_bytes(4, 'big') + reply)
        c.send_headers(stream, [('grpc-status', str(status)), ('grpc-message', 'as told'), *trailers.items()], end_stream=True)
        return True

    def stop(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()
