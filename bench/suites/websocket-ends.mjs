// Both ends of the WebSockets, as processes of their own: `server`, which tells its port, and `clients`, told where to and how
// many. The gateway passes bytes on once a connection is upgraded, so idle ones need no frames.
import net from 'node:net';

const AT_ONCE = 100;

if (process.argv[2] === 'server') {
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => process.send({ port: server.address().port }));
} else {
  const open = new Set();
  const connect = (port) =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', reject);
      socket.on('close', () => open.delete(socket));
      socket.once('data', (bytes) => {
        const head = bytes.toString('latin1');
        if (!head.startsWith('HTTP/1.1 101')) reject(new Error(head));
        open.add(socket);
        resolve();
      });
      socket.write(
        'GET /shop/socket HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
  process.on('message', async ({ port, count }) => {
    for (let left = count; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, () => connect(port)));
    }
    process.send({ open: open.size });
  });
}
process.on('disconnect', () => process.exit(0));
