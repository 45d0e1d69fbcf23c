import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type Exchange } from '#kernel';
import { streamPair } from './stream-pair.js';

type Serve = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * Express needs requests as Node's HTTP/1.1 server makes them. What comes for it over HTTP/2 is put to such a server over a
 * pair of streams in memory, and its answer taken back: a second parse, on paths where nobody counts microseconds.
 */
export class Http1Bridge {
  private readonly takers = new WeakMap<Socket, Serve>();
  private readonly server = createServer({ maxHeaderSize: 1_048_576, requestTimeout: 0 }, (req, res) => {
    this.takers.get(req.socket)?.(req, res);
  });

  carry({ req, res, peer, path, query }: Exchange, serve: Serve): void {
    const { socket } = req;
    const { expect, ...headers } = req.headers;
    if (expect !== undefined) res.writeContinue();
    const [near, far] = streamPair({ remoteAddress: peer, remotePort: socket.remotePort, encrypted: true });
    this.takers.set(far as unknown as Socket, serve);
    this.server.emit('connection', far);
    const asked = request({
      createConnection: () => near,
      method: req.method,
      path: path + query,
      headers: { ...headers, connection: 'close' },
    });
    asked.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
      answer.on('data', (piece: Buffer) => {
        if (!res.write(piece)) answer.pause();
      });
      res.on('drain', () => answer.resume());
      answer.on('end', () => res.end());
    });
    asked.on('error', () => res.destroy());
    res.on('close', () => near.destroy());
    req.on('data', (piece) => {
      if (!asked.write(piece)) req.pause();
    });
    asked.on('drain', () => req.resume());
    req.on('end', () => asked.end());
    req.resume();
  }
}
