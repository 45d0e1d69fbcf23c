import { createServer, type IncomingMessage, type Server, type ServerOptions, ServerResponse } from 'node:http';
import {
  createServer as createSecureServer,
  Server as SecureServer,
  type ServerOptions as SecureOptions,
} from 'node:https';
import { type AddressInfo, type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { type TLSSocket } from 'node:tls';
import { type ServerTls } from '#config';
import { type ClientRequest, type ClientResponse, type ListenerInfo, type Upgrade } from '#kernel';
import { contextOptions, NamedCertificates } from './certificates.js';
import { type ForeignCertificate, refuseForeignCertificates } from './foreign-certificates.js';
import { ClientSessions } from './http2/client-sessions.js';
import { lingerAfterEarlyAnswers } from './linger.js';
import { Loiterers } from './loiterers.js';
import { answerUnparsed, endSoon, unparsed } from './unparsed.js';

export interface ListenerLimits {
  readonly headers: number;
  readonly url: number;
  readonly connections: number;
  readonly headersTimeout: number;
  readonly keepAlive: number;
}

/** Of Node 24; older ones go by without it. No stream is set up for the body of a request that has none. */
interface NewOptions {
  readonly optimizeEmptyRequests: boolean;
}

type Handle = (req: ClientRequest, res: ClientResponse, listener: ListenerInfo, upgrade: Upgrade | null) => void;

/**
 * A port. Requests go to `handle` as Node has parsed them; what Node refuses to parse is answered here. From `drain` on
 * every answer closes its connection.
 */
export class Listener implements ListenerInfo {
  readonly secure: boolean;
  readonly server: Server;
  port = 0;
  private handle: Handle | undefined;
  private draining = false;
  private readonly upgraded = new Map<Duplex, Upgrade>();
  /** The answer to the latest request of each connection. */
  private readonly latest = new WeakMap<Duplex, ServerResponse>();
  private readonly refused = new WeakSet<Duplex>();
  private readonly loiterers: Loiterers;
  /** Null: HTTP/2 is not spoken here. */
  private readonly sessions: ClientSessions | null;
  private named: NamedCertificates | null;

  constructor(limits: ListenerLimits, tls: ServerTls | null, refused: (foreign: ForeignCertificate) => void) {
    this.secure = tls !== null;
    this.named = tls && NamedCertificates.read(tls);
    const every = Math.min(1000, limits.headersTimeout);
    const options: ServerOptions & NewOptions = {
      // The front door holds each to its own limit, and says which was passed.
      maxHeaderSize: limits.headers + limits.url + 1024,
      headersTimeout: limits.headersTimeout,
      // Slow bodies are timed where they are read: a long upload that goes on is not a slow one.
      requestTimeout: 0,
      // A timer for each request; `Loiterers` looks at all connections with one.
      keepAliveTimeout: 0,
      connectionsCheckingInterval: every,
      noDelay: true,
      optimizeEmptyRequests: true,
      // The front door says what is missing, as a problem.
      requireHostHeader: false,
    };
    const answer = (req: IncomingMessage, res: ServerResponse): void => this.request(req, res);
    this.server =
      tls === null
        ? createServer(options, answer)
        : createSecureServer({ ...options, ...this.secureOptions(tls) }, answer);
    this.sessions = tls?.http2 === true ? this.openSessions(limits, every) : null;
    const latest = (socket: Duplex): ServerResponse | undefined => this.latest.get(socket);
    lingerAfterEarlyAnswers(this.server, this.secure, latest);
    // Where a head has begun, Node comes first: it looks as often, and can say why.
    const patience = { idle: limits.keepAlive, head: limits.headersTimeout + 2 * every };
    this.loiterers = new Loiterers(this.server, this.secure, latest, patience, every);
    if (tls?.clientCa != null) refuseForeignCertificates(this.server, refused);
    this.server.maxConnections = limits.connections;
    this.server.on('upgrade', (req: IncomingMessage, socket: Duplex, first: Buffer) =>
      this.upgrade(req, socket, first),
    );
    // Node would leave out what comes after so many; their size is limited anyway.
    this.server.maxHeadersCount = 0;
    this.server.on('connect', (req: IncomingMessage, socket: Duplex, first: Buffer) =>
      this.upgrade(req, socket, first),
    );
    this.server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
      // Node gives up a connection whose expectation it has not met, also where there is no body to wait for.
      if (req.headers['transfer-encoding'] === undefined && !(Number(req.headers['content-length']) > 0)) {
        res.writeContinue();
      }
      this.request(req, res);
    });
    this.server.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) => this.request(req, res));
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => this.refuse(error, socket));
  }

  /** Node's server takes every connection for HTTP/1.1: those whose clients have chosen HTTP/2 go another way. */
  private openSessions(limits: ListenerLimits, every: number): ClientSessions {
    const sessions = new ClientSessions(limits, every, (req, res) => this.handle?.(req, res, this, null));
    const [http1] = this.server.listeners('secureConnection');
    this.server.removeAllListeners('secureConnection');
    this.server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') sessions.take(socket);
      else http1?.call(this.server, socket);
    });
    return sessions;
  }

  serve(handle: Handle): void {
    this.handle = handle;
  }

  async listen(port: number, host: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ port, host, backlog: 1024 }, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    this.port = (this.server.address() as AddressInfo).port;
  }

  private request(req: IncomingMessage, res: ServerResponse): void {
    // The answer before this one closes the connection: nobody would hear of what this one does.
    if (this.latest.get(req.socket)?.shouldKeepAlive === false) return;
    this.latest.set(req.socket, res);
    if (this.draining) res.shouldKeepAlive = false;
    this.handle?.(req, res, this, null);
  }

  /** Node hands over the bare socket. Refusals and ordinary answers still go out as HTTP, on a response made for it. */
  private upgrade(req: IncomingMessage, socket: Duplex, first: Buffer): void {
    const res = new ServerResponse(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket as Socket);
    const upgrade: Upgrade = { socket, first, goAway: null };
    this.upgraded.set(socket, upgrade);
    // What was answered on this connection before does not make it an idle one.
    this.latest.delete(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.upgraded.delete(socket);
      res.destroy();
    });
    res.on('finish', () => endSoon(socket));
    this.handle?.(req, res, this, upgrade);
  }

  /** Connections from now on are made with the certificates as they are in their files now. */
  renewCertificates(tls: ServerTls): void {
    if (!(this.server instanceof SecureServer)) return;
    const named = NamedCertificates.read(tls);
    this.server.setSecureContext(contextOptions(tls, tls.cert, tls.key));
    this.named = named;
  }

  private secureOptions(tls: ServerTls): SecureOptions {
    return {
      ...contextOptions(tls, tls.cert, tls.key),
      SNICallback: (name, done) => done(null, this.named?.for(name)),
      ALPNProtocols: tls.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      ...(tls.clientCa !== null && { requestCert: true, rejectUnauthorized: tls.clientCert === 'required' }),
    };
  }

  /**
   * What Node could not parse, or did not get in time. Answers that are due before come first; one that has begun is cut
   * off; and what still arrives is read over for a while, since a reset would take the refusal away from the client.
   */
  private refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || socket.destroyed) {
      socket.destroy();
      return;
    }
    if (this.refused.has(socket)) return;
    this.refused.add(socket);
    const latest = this.latest.get(socket);
    if (latest === undefined) answerUnparsed(error, socket);
    else if (latest.req.complete) {
      if (!latest.writableFinished) latest.once('finish', () => answerUnparsed(error, socket));
      else if (latest.shouldKeepAlive) answerUnparsed(error, socket);
    } else if (!latest.headersSent) {
      const { status, fields, body } = unparsed(error);
      latest.writeHead(status, fields).end(body);
    } else {
      // An answer that is whole leaves at the end of this turn.
      setImmediate(() => {
        if (latest.writableFinished) socket.end();
        else socket.destroy();
      });
    }
  }

  /** From here on answers close their connections, so that clients go elsewhere. */
  drain(): void {
    this.draining = true;
    this.sessions?.drain();
  }

  /** No new connections; resolves when the last one is gone, or after `within` milliseconds at the most. Told a second time with 0, it is over at once. */
  async close(within: number): Promise<void> {
    this.drain();
    this.loiterers.stop();
    if (!this.server.listening) {
      if (within === 0) this.cut();
      return;
    }
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const sweepOnce = (): void => {
      this.server.closeIdleConnections();
      for (const { goAway } of this.upgraded.values()) goAway?.();
    };
    sweepOnce();
    const sweep = setInterval(sweepOnce, 100);
    const last = setTimeout(() => this.cut(), within);
    await closed;
    clearInterval(sweep);
    clearTimeout(last);
  }

  private cut(): void {
    for (const socket of this.upgraded.keys()) socket.destroy();
    this.sessions?.destroy();
    this.server.closeAllConnections();
  }
}
