// Node's HTTP/2 server and client talk in clear text on a port of 127.0.0.1; prints what took place, a JSON object a line.
// usage: node_talk.mjs PORT [STREAMS [BYTES]]            SPDX-License-Identifier: Apache-2.0
import http2 from 'node:http2';

const port = Number(process.argv[2]);
const many = Number(process.argv[3] || 1000); // streams at once
const large = Number(process.argv[4] || 300000); // bytes of the largest body
const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = http2.constants;
const settings = { enableConnectProtocol: true, maxConcurrentStreams: 2000, headerTableSize: 8192 };
const server = http2.createServer({ settings });

function push(stream) {
  stream.pushStream({ ':path': '/pushed' }, (err, pushed) => {
    if (err) throw err;
    pushed.respond({ ':status': 200, 'content-type': 'text/css' });
    pushed.end('body{}');
  });
}

server.on('stream', (stream, headers) => {
  const path = headers[':path'] || '';
  stream.on('error', () => {});
  if (headers[':method'] === 'CONNECT') {
    stream.respond({ ':status': 200 });
    stream.on('data', (d) => stream.write(d));
    stream.on('end', () => stream.end());
  } else if (path === '/trailers') {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'x-more': 'yes' }));
    stream.end('with trailers');
  } else if (path === '/early') {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
    stream.respond({ ':status': 200 });
    stream.end('late');
  } else if (path === '/push') {
    push(stream);
    stream.respond({ ':status': 200 });
    stream.end('page');
  } else if (path === '/refuse') {
    stream.close(NGHTTP2_REFUSED_STREAM);
  } else if (path === '/hang') {
    stream.respond({ ':status': 200 });
    stream.write('x'.repeat(100));
  } else if (path === '/empty') {
    stream.respond({ ':status': 204 }, { endStream: true });
  } else {
    let n = 0;
    stream.on('data', (d) => { n += d.length; });
    stream.on('end', () => {
      const size = Number(path.match(/size=(\d+)/)?.[1] || 0);
      stream.respond({ ':status': path.startsWith('/missing') ? 404 : 200, 'x-item': path, 'x-got': String(n), 'set-cookie': ['a=1', 'b=2'] });
      stream.end('y'.repeat(size));
    });
  }
});

const talk = [];
function ask(client, method, path, { body, headers = {}, cancel, status, size, outcome = 'answered', reset } = {}) {
  return new Promise((resolve) => {
    const stream = client.request({ ':method': method, ':path': path, ...headers }, { endStream: !body && method !== 'CONNECT' });
    let got = 0, code = 0;
    stream.on('response', (h) => {
      code = h[':status'];
      if (cancel) stream.close(NGHTTP2_CANCEL);
    });
    stream.on('data', (d) => { got += d.length; });
    stream.on('error', () => {});
    stream.on('close', () => {
      talk.push({ method, path, status: status ?? code, sent: body ? body.length : 0, size: size ?? got, outcome, reset });
      resolve();
    });
    if (body) stream.end(body);
  });
}

function tunnel(client, headers) {
  return new Promise((resolve) => {
    const stream = client.request({ ':method': 'CONNECT', ...headers }, { endStream: false });
    stream.on('response', () => stream.end('through the tunnel'));
    stream.on('data', () => {});
    stream.on('close', () => {
      talk.push({ method: 'CONNECT', path: headers[':path'] || '', status: 200, outcome: 'answered' });
      resolve();
    });
  });
}

async function run() {
  const client = http2.connect(`http://127.0.0.1:${port}`, { settings: { enablePush: true } });
  client.on('stream', (pushed, headers) => {
    pushed.on('data', () => {});
    talk.push({ method: headers[':method'], path: headers[':path'], status: 200, sent: 0, size: 6, outcome: 'answered' });
  });
  await new Promise((resolve) => client.on('remoteSettings', resolve));
  await ask(client, 'GET', '/?size=11');
  await ask(client, 'HEAD', '/empty');
  await ask(client, 'GET', '/empty');
  await ask(client, 'GET', '/missing?size=3', { headers: { cookie: 'sid=secret; lang=en', authorization: 'Bearer secret' } });
  await ask(client, 'POST', '/up', { body: 'z'.repeat(large / 4) });
  await ask(client, 'PROPFIND', '/odd?size=5');
  await ask(client, 'GET', '/trailers');
  await ask(client, 'GET', '/early');
  await ask(client, 'GET', '/push');
  await ask(client, 'GET', '/refuse', { outcome: 'reset', reset: 'REFUSED_STREAM' });
  await ask(client, 'GET', '/hang', { cancel: true, outcome: 'reset', reset: 'CANCEL', size: null });
  await ask(client, 'GET', `/big?size=${large}`);
  await ask(client, 'GET', '/headers', { headers: { 'x-long': 'h'.repeat(large / 15) } });
  await tunnel(client, { ':authority': 'db:5432' });
  await tunnel(client, { ':protocol': 'websocket', ':scheme': 'http', ':path': '/chat', ':authority': 'a' });
  for (let round = 0; round < 3; round++)
    await Promise.all([...Array(many).keys()].map((i) => ask(client, i % 3 ? 'GET' : 'POST', `/many/${round}.${i}?size=${i % 50}`, { body: i % 3 ? undefined : 'b'.repeat(i) })));
  await new Promise((resolve) => client.close(resolve));
}

server.listen(port, '127.0.0.1', async () => {
  await run();
  for (const t of talk) console.log(JSON.stringify(t));
  server.close();
});
