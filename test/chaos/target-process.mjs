/**
 * A target as a process of its own, to be killed, stopped and slowed: `node target-process.mjs NAME PORT FILE BYTES`. Every POST
 * that reaches it is written to FILE before it is answered. `PUT /behave?as=answer|slow|reset` changes what it does.
 */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [name, port, file, bytes] = process.argv.slice(2);
const posts = openSync(file, 'a');
const BODY = 'x'.repeat(Number(bytes));
const WORK_MS = 5;
const SLOW_MS = 400;
let behaviour = 'answer';

const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  if (req.url.startsWith('/behave?as=')) {
    behaviour = req.url.slice('/behave?as='.length);
    res.end();
    return;
  }
  if (req.method === 'POST') writeSync(posts, `${req.url}\n`);
  req.resume();
  req.on('end', () => setTimeout(() => answer(res), behaviour === 'slow' ? SLOW_MS : WORK_MS));
});

function answer(res) {
  res.writeHead(200, { 'content-length': BODY.length, 'x-target': name });
  if (behaviour !== 'reset') res.end(BODY);
  else res.write(BODY.slice(0, BODY.length / 2), () => setTimeout(() => res.socket?.resetAndDestroy(), WORK_MS));
}

// Frames of less than 126 bytes with a mask of zeros, which is what the clients here send, come back without the mask.
server.on('upgrade', (req, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let size = (rest[1] ?? 0) & 0x7f; rest.length >= 6 && rest.length >= 6 + size; size = (rest[1] ?? 0) & 0x7f) {
      socket.write(Buffer.concat([Buffer.from([rest[0], size]), rest.subarray(6, 6 + size)]));
      rest = rest.subarray(6 + size);
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
});

server.listen(Number(port), '127.0.0.1', () => console.log('listening'));
