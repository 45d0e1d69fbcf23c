import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { readCanonical, type WireRequest } from './canonical.js';
import { readLeniently } from './lenient-request.js';

/** Serves one connection and tells of each whole request before it is answered with `answer(request)`. */
type Understanding = (socket: Socket, tell: (method: string, target: string) => string) => void;

/**
 * An upstream that keeps every byte that it was sent, connection by connection, and every request that it understood.
 * Each is answered with its own target, so that whoever gets another's answer can tell.
 */
export class RecordingUpstream {
  /** The targets of the requests, in the order in which they were whole. */
  readonly understood: string[] = [];
  private readonly wires: string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(understand: Understanding) {
    this.server = createServer({ noDelay: true }, (socket) => this.take(socket, understand));
  }

  static async start(kind: UpstreamKind): Promise<RecordingUpstream> {
    const upstream = new RecordingUpstream(kind === 'strict' ? strictly() : leniently);
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What came since the last time, as every server must read it; throws where servers could disagree. */
  takeFromTheWires(): (WireRequest & { readonly connection: number })[] {
    const requests = this.wires.flatMap((bytes, connection) =>
      readCanonical(bytes).map((request) => ({ ...request, connection })),
    );
    this.wires.fill('');
    return requests;
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }

  private take(socket: Socket, understand: Understanding): void {
    const connection = this.wires.push('') - 1;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    understand(socket, (method, target) => {
      this.understood.push(target);
      return `${method} ${target}`;
    });
    socket.on(
      'data',
      (bytes: Buffer) => (this.wires[connection] = `${this.wires[connection] ?? ''}${bytes.toString('latin1')}`),
    );
  }
}

export type UpstreamKind = 'strict' | 'lenient';

function strictly(): Understanding {
  const tellers = new WeakMap<Socket, (method: string, target: string) => string>();
  const http = createHttpServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    req.on('end', () => {
      const body = tellers.get(req.socket)!(req.method ?? '', req.url ?? '');
      res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
      res.end(body);
    });
    req.resume();
  });
  http.on('checkExpectation', (req, res) => http.emit('request', req, res));
  return (socket, tell) => {
    tellers.set(socket, tell);
    http.emit('connection', socket);
  };
}

const leniently: Understanding = (socket, tell) => {
  let waiting = '';
  socket.on('data', (bytes: Buffer) => {
    waiting += bytes.toString('latin1');
    for (let read = readLeniently(waiting); read !== null; read = readLeniently(waiting)) {
      waiting = waiting.slice(read.end);
      const { method, target } = read.request;
      const body = tell(method, target);
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`,
      );
    }
  });
};
