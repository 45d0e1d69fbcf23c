// So many workers, a fixed time for each request, the rest waits in a queue: and the worst is assumed, that it goes on
// working for clients that are gone. `node overload-upstream.mjs WORKERS MILLISECONDS`.
import { createServer } from 'node:http';

const [workers, milliseconds] = process.argv.slice(2).map(Number);
const queue = [];
let busy = 0;
let taken = 0;

function next() {
  if (busy >= workers || queue.length === 0) return;
  const res = queue.shift();
  busy += 1;
  setTimeout(() => {
    busy -= 1;
    res.end('done');
    next();
  }, milliseconds);
}

const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
  taken += 1;
  req.resume();
  queue.push(res);
  next();
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => process.send({ port: server.address().port }));
process.on('message', () => process.send({ taken }));
process.on('disconnect', () => process.exit(0));
