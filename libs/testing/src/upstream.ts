import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Complete once the request has ended. */
  readonly body: Buffer;
}

export type UpstreamHandler = (req: IncomingMessage, res: ServerResponse) => void;

/** What an upstream does with a request: answer it, leave it without an answer, or break the connection. */
type Mood = 'answer' | 'hang' | 'reset';

/** A plain HTTP server on a port of its own that remembers what it was asked. Without a handler it answers 200 with JSON. */
export async function startUpstream(handler: UpstreamHandler = greet): Promise<RecordingUpstream> {
  const upstream = new RecordingUpstream(handler);
  await upstream.listen(0);
  return upstream;
}

export class RecordingUpstream {
  readonly requests: RecordedRequest[] = [];
  readonly sockets = new Set<Socket>();
  #server: Server | undefined;
  #mood: Mood = 'answer';
  #port = 0;

  constructor(private readonly handler: UpstreamHandler) {}

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(port: number): Promise<void> {
    const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => this.#take(req, res));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  #take(req: IncomingMessage, res: ServerResponse): void {
    this.#record(req);
    if (this.#mood === 'reset') req.socket.resetAndDestroy();
    else if (this.#mood === 'answer') this.handler(req, res);
  }

  #record(req: IncomingMessage): void {
    const chunks: Buffer[] = [];
    const { method = '', url = '', headers, rawHeaders } = req;
    const recorded = { method, url, headers, rawHeaders, body: Buffer.alloc(0) };
    this.requests.push(recorded);
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => (recorded.body = Buffer.concat(chunks)));
  }

  /** From now on requests arrive and nothing comes back. */
  hang(): void {
    this.#mood = 'hang';
  }

  /** From now on each request ends with a reset connection. */
  reset(): void {
    this.#mood = 'reset';
  }

  answer(): void {
    this.#mood = 'answer';
  }

  /** Gone, with every connection; `listen(port)` brings it back. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  async stop(): Promise<void> {
    await this.kill();
  }
}

function greet(req: IncomingMessage, res: ServerResponse): void {
  // Answers when it has the whole request, so that what was recorded is whole as well.
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ method: req.method, url: req.url }));
  });
  req.resume();
}
