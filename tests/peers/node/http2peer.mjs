// Node's HTTP/2 in clear text as a server and as a client, which do what the Go peer does.
// usage: http2peer.mjs server PORT | client PORT STREAMS            SPDX-License-Identifier: Apache-2.0
import http2 from 'node:http2';

const [role, port, many] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] || 0)];
const seen = [];
const note = (method, path, status, sent, size, outcome = 'answered') => seen.push({ method, path, status, sent, size, outcome });
const tell = () => seen.forEach((e) => console.log(JSON.stringify(e)));

function answer(stream, method, path, sent) {
  const size = Number(path.match(/size=(\d+)/)?.[1] || 0);
  const plain = (status, body) => {
    stream.respond({ ':status': status, 'x-item': path, ...(status === 301 ? { location: '/' } : {}) }, { endStream: !body });
    if (body) stream.end(body);
    note(method, path, status, sent, body.length);
  };
  switch (path.split('?')[0]) {
    case '/trailers':
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
      stream.end('with trailers');
      note(method, path, 200, sent, 13);
      return;
    case '/empty': return plain(204, '');
    case '/moved': return plain(301, '');
    case '/missing': return plain(404, 'y'.repeat(size));
    case '/abort':
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      return note(method, path, 0, sent, 0, 'reset');
    case '/slow':
      stream.respond({ ':status': 200 });
      return note(method, path, 200, sent, 0, 'reset');
    default: return plain(200, method === 'HEAD' ? '' : 'y'.repeat(size));
  }
}

function serve() {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 1000 } });
  const sessions = new Set();
  server.on('session', (s) => sessions.add(s));
  server.on('stream', (stream, headers) => {
    let sent = 0;
    stream.on('error', () => {});
    stream.on('data', (d) => { sent += d.length; });
    stream.on('end', () => answer(stream, headers[':method'], headers[':path'], sent));
  });
  server.listen(port, '127.0.0.1');
  process.stdin.resume();
  process.stdin.on('end', () => {
    sessions.forEach((s) => s.destroy());
    server.close();
    tell();
  });
}

function ask(client, method, path, body) {
  return new Promise((resolve) => {
    const stream = client.request({ ':method': method, ':path': path }, { endStream: !body });
    let size = 0, status = 0;
    stream.on('response', (h) => {
      status = h[':status'];
      if (path === '/slow') stream.close(http2.constants.NGHTTP2_CANCEL);
    });
    stream.on('data', (d) => { size += d.length; });
    stream.on('error', () => {});
    stream.on('close', () => {
      note(method, path, status, body ? body.length : 0, size, stream.rstCode ? 'reset' : 'answered');
      resolve();
    });
    if (body) stream.end(body);
  });
}

async function talk() {
  const client = http2.connect(`http://127.0.0.1:${port}`);
  await new Promise((resolve) => client.on('remoteSettings', resolve));
  for (const path of ['/?size=10', '/trailers', '/empty', '/moved', '/missing?size=3', '/big?size=500000', '/abort'])
    await ask(client, 'GET', path);
  await ask(client, 'HEAD', '/?size=10');
  await ask(client, 'POST', '/up?size=1', 'b'.repeat(100000));
  await ask(client, 'DELETE', '/x');
  await ask(client, 'GET', '/slow');
  await Promise.all([...Array(many).keys()].map((i) => ask(client, 'GET', `/many/${i}?size=${i % 50}`)));
  await new Promise((resolve) => client.close(resolve));
  tell();
}

if (role === 'server') serve();
else talk();
