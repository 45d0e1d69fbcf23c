import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { type SecureContextOptions } from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';

/** Answers each message with itself, and remembers its clients. */
export class EchoServer {
  readonly clients: WebSocket[] = [];
  readonly requests: IncomingMessage[] = [];
  private readonly server: WebSocketServer;
  private readonly http: Server;
  private readonly secure: boolean;

  /** `tls`: the certificate and key to serve over TLS. */
  constructor(options: object = {}, tls: SecureContextOptions | null = null) {
    this.http = tls === null ? createServer() : createSecureServer(tls);
    this.http.listen(0, '127.0.0.1');
    this.secure = tls !== null;
    this.server = new WebSocketServer({
      server: this.http,
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
    if (!this.http.listening) await once(this.http, 'listening');
    return `http${this.secure ? 's' : ''}://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** The other end of the connection that was made last. */
  get latest(): WebSocket {
    const socket = this.clients.at(-1);
    if (socket === undefined) throw new Error('nobody has connected');
    return socket;
  }

  stop(): void {
    for (const socket of this.clients) socket.terminate();
    this.http.close();
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
