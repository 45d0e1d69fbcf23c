import { constants, type IncomingHttpHeaders as Http2Headers, type ServerHttp2Stream } from 'node:http2';
import { type IncomingHttpHeaders } from 'node:http';
import { type Socket } from 'node:net';
import { type ClientRequest } from '#kernel';

/**
 * A request of a client that speaks HTTP/2, as the HTTP/1.1 request that says the same: pseudo-header fields have become
 * method, target and Host, the crumbs of a cookie are one field again, and a body without a length is "chunked". Fields
 * that belong to a connection, names in capitals and malformed values have been refused before, by nghttp2.
 */
export class Http2Request implements ClientRequest {
  readonly httpVersion = '2.0';
  readonly httpVersionMajor = 2;
  readonly httpVersionMinor = 0;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  rawTrailers: readonly string[] = [];

  constructor(
    private readonly stream: ServerHttp2Stream,
    fields: Http2Headers,
    raw: readonly string[],
    readonly socket: Socket,
  ) {
    const { ':method': method = '', ':path': path = '', ':authority': authority, ':scheme': _, ...headers } = fields;
    this.method = method;
    this.url = path;
    this.headers = headers;
    this.rawHeaders = ordinary(raw, headers.cookie);
    // Where both are given and differ both stay, and the front door refuses a request with two hosts (RFC 9113, 8.3.1).
    if (authority !== undefined && authority.toLowerCase() !== this.headers.host?.toLowerCase()) {
      this.headers.host = authority;
      this.rawHeaders.push('host', authority);
    }
    if (!stream.endAfterHeaders && headers['content-length'] === undefined) {
      this.headers['transfer-encoding'] = 'chunked';
    }
    stream.on('trailers', (_fields: unknown, _flags: unknown, rawTrailers: string[]) => {
      this.rawTrailers = rawTrailers;
    });
  }

  get complete(): boolean {
    return this.stream.endAfterHeaders || this.stream.readableEnded;
  }

  on(event: 'data' | 'end' | 'close', listener: (piece: Buffer) => void): void {
    this.stream.on(event, listener);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  destroy(): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** Without pseudo-header fields, and with one cookie (RFC 9113, 8.2.3). */
function ordinary(raw: readonly string[], cookie: string | undefined): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.startsWith(':') || name === 'cookie') continue;
    fields.push(name, raw[i + 1] as string);
  }
  if (cookie !== undefined) fields.push('cookie', cookie);
  return fields;
}
