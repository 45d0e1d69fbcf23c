import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';

export interface Http2Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  readonly informational: readonly IncomingHttpHeaders[];
  /** The head was all: it ended the stream. */
  readonly headOnly: boolean;
}

/** One connection of a client that speaks HTTP/2, as Node's own client does. */
export async function http2Client(port: number, options: SecureClientSessionOptions = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false, ...options });
  session.on('error', () => undefined);
  await once(session, 'connect');
  return session;
}

/** Waits for all of it; rejects when the stream is reset. */
export async function answerTo(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const informational: IncomingHttpHeaders[] = [];
  let trailers: IncomingHttpHeaders = {};
  let body = '';
  stream.on('headers', (fields: IncomingHttpHeaders) => informational.push(fields));
  stream.on('trailers', (fields: IncomingHttpHeaders) => (trailers = fields));
  stream.on('data', (piece: Buffer) => (body += piece.toString()));
  const [headers, flags] = (await once(stream, 'response')) as [IncomingHttpHeaders, number];
  if (!stream.readableEnded) await once(stream, 'end');
  return { status: Number(headers[':status']), headers, body, trailers, informational, headOnly: (flags & 1) === 1 };
}

export async function ask(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: string | Buffer,
): Promise<Http2Answer> {
  const stream = session.request({ ':path': path, ...headers }, { endStream: body === undefined });
  const answer = answerTo(stream);
  if (body !== undefined) stream.end(body);
  return await answer;
}
