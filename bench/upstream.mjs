// The upstream of every measurement: answers each request head with the same small JSON document.
// A raw socket instead of node:http keeps it far cheaper than anything that is measured.
import net from 'node:net';
import { answer } from './answer.mjs';

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** How many request heads end in `chunk`; `state.tail` carries a terminator that is split over two reads. */
function countHeads(chunk, state) {
  const data = state.tail.length > 0 ? Buffer.concat([state.tail, chunk]) : chunk;
  let heads = 0;
  let at = 0;
  for (let end = data.indexOf(HEAD_END); end !== -1; end = data.indexOf(HEAD_END, at)) {
    heads += 1;
    at = end + HEAD_END.length;
  }
  state.tail = at === data.length ? NOTHING : Buffer.from(data.subarray(Math.max(at, data.length - 3)));
  return heads;
}

const response = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncache-control: no-store\r\n` +
    `date: ${new Date().toUTCString()}\r\ncontent-length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`,
);

/** Listens on a free port and resolves to it. */
export function listen() {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const state = { tail: NOTHING };
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (let heads = countHeads(chunk, state); heads > 0; heads -= 1) socket.write(response);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}
