import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** Answers each message with itself, and remembers its clients. */
export class EchoServer {
  readonly clients: WebSocket[] = [];
  readonly requests: IncomingMessage[] = [];
  private readonly server: WebSocketServer;

  constructor(options: object = {}) {
    this.server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: true,
      maxPayload: 64 * 1024 ** 2,
      handleProtocols: (offered) => (offered.has('v2.chat') ? 'v2.chat' : false),
      verifyClient: ({ req }: { readonly req: IncomingMessage }) => req.url?.endsWith('/refused') !== true,
      ...options,
    });
    this.server.on('connection', (socket, req) => {
      this.clients.push(socket);
      this.requests.push(req);
      socket.on('error', () => undefined);
      if (req.url?.endsWith('/silent') !== true)
        socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
    });
  }

  async listening(): Promise<string> {
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The other end of the connection that was made last. */
  get latest(): WebSocket {
    const socket = this.clients.at(-1);
    if (socket === undefined) throw new Error('nobody has connected');
    return socket;
  }

  stop(): void {
    for (const socket of this.clients) socket.terminate();
    this.server.close();
  }
}

/** What a socket hears, in order, as promises for one thing after the other. */
export class Ear {
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  private readonly heard: { readonly data: Buffer; readonly binary: boolean }[] = [];
  private wake: () => void = () => undefined;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, binary) => {
      this.heard.push({ data, binary });
      this.wake();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async open(url: string, options: object = {}, protocols: string[] = []): Promise<Ear> {
    const socket = new WebSocket(url.replace('http', 'ws'), protocols, { rejectUnauthorized: false, ...options });
    const ear = new Ear(socket);
    await once(socket, 'open');
    return ear;
  }

  async message(): Promise<{ readonly data: Buffer; readonly binary: boolean }> {
    for (;;) {
      const next = this.heard.shift();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
