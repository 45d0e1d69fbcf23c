import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type IncomingHttpHeaders } from 'node:http2';
import { type TLSSocket } from 'node:tls';
import { type ClientRequest, type ClientResponse } from '#kernel';
import { Http2Request } from './request.js';
import { Http2Response } from './response.js';

export interface SessionLimits {
  readonly headers: number;
  readonly url: number;
  /** Until the first request, in milliseconds. */
  readonly headersTimeout: number;
  /** Without a request, in milliseconds. */
  readonly keepAlive: number;
}

interface Client {
  readonly session: ServerHttp2Session;
  readonly socket: TLSSocket;
  open: number;
  requests: number;
  /** When the last stream was closed, or the connection made. */
  idleSince: number;
  /** PING and SETTINGS frames since the last look. */
  control: number;
  /** It was told that nothing more will be taken. */
  ending: boolean;
  /** When it had been sent all there was. */
  endedAt: number;
}

const MAX_STREAMS = 128;
/** Of a request's body, before it is taken further. */
const WINDOW = 262_144;
const CONNECTION_WINDOW = 1_048_576;
/** PING and SETTINGS are answered each: nobody has a use for more between two looks, about a second. */
const MAX_CONTROL = 1000;

/**
 * The connections of clients that speak HTTP/2. Streams beyond the limit, resets in quick succession, headers without an
 * end and answers that the client does not fetch are bounded by nghttp2; idle connections and floods of control frames
 * are ended here, where all connections are looked at every `every` milliseconds.
 */
export class ClientSessions {
  private readonly clients = new Set<Client>();
  private readonly timer: NodeJS.Timeout;
  private readonly maxHeaderBytes: number;

  constructor(
    private readonly limits: SessionLimits,
    every: number,
    private readonly handle: (req: ClientRequest, res: ClientResponse) => void,
  ) {
    // HPACK counts 32 bytes more for each field; the front door holds requests to the limits, and says which was passed.
    this.maxHeaderBytes = 4 * (limits.headers + limits.url);
    // A request that came while this process was held up is read first.
    this.timer = setInterval(() => setImmediate(() => this.look(performance.now())), every).unref();
  }

  take(socket: TLSSocket): void {
    socket.disableRenegotiation();
    const session = performServerHandshake(socket, {
      maxHeaderListPairs: Math.ceil(this.maxHeaderBytes / 34),
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: this.maxHeaderBytes,
        initialWindowSize: WINDOW,
      },
    });
    const client: Client = {
      session,
      socket,
      open: 0,
      requests: 0,
      idleSince: performance.now(),
      control: 0,
      ending: false,
      endedAt: Infinity,
    };
    this.clients.add(client);
    socket.once('close', () => this.clients.delete(client));
    session.setLocalWindowSize(CONNECTION_WINDOW);
    // The connection is closed then, and its streams with it: each exchange hears of that by itself.
    session.on('error', () => undefined);
    session.on('close', () => (client.endedAt = performance.now()));
    session.on('ping', () => client.control++);
    session.on('remoteSettings', () => client.control++);
    session.on('stream', (stream: ServerHttp2Stream, fields: IncomingHttpHeaders, _flags: number, raw?: string[]) => {
      this.request(client, stream, fields, raw ?? []);
    });
  }

  private request(client: Client, stream: ServerHttp2Stream, fields: IncomingHttpHeaders, raw: string[]): void {
    // Node tells of a stream a tick after it was opened: it may be reset by then, and nobody is there to be answered.
    if (stream.destroyed || stream.closed) return;
    client.open++;
    client.requests++;
    stream.on('error', () => undefined);
    // Node would first wait for somebody to read what came before.
    stream.on('aborted', () => setImmediate(() => stream.destroy()));
    stream.on('close', () => {
      if (--client.open === 0) client.idleSince = performance.now();
    });
    this.handle(
      new Http2Request(stream, fields, raw, client.socket),
      new Http2Response(stream, fields[':method'] === 'HEAD'),
    );
  }

  private look(now: number): void {
    for (const client of this.clients) {
      const { session, socket, requests, open, idleSince, control, endedAt } = client;
      client.control = 0;
      if (control > MAX_CONTROL) {
        session.destroy(new Error('a flood of control frames'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
        continue;
      }
      if (open > 0) continue;
      const { headersTimeout, keepAlive } = this.limits;
      const patience = requests === 0 ? headersTimeout : keepAlive;
      // What was sent is still on its way to a slow client; one that fetches nothing, or stays, is put out.
      if (now - endedAt > headersTimeout || now - idleSince > patience + headersTimeout) socket.destroy();
      else if (now - idleSince > patience) this.end(client);
    }
  }

  private end(client: Client): void {
    if (client.ending) return;
    client.ending = true;
    client.session.close();
  }

  /** GOAWAY: requests under way are finished, others are for somebody else. */
  drain(): void {
    for (const client of this.clients) this.end(client);
  }

  destroy(): void {
    clearInterval(this.timer);
    for (const { socket } of this.clients) socket.destroy();
  }
}
