import { STATUS_CODES } from 'node:http';
import { type Duplex } from 'node:stream';
import { type ErrorCode, errorCatalogue, problem, uuidv7 } from '#kernel';

/** How long a client that was refused may leave its own side open. */
const LINGER = 1000;

const UNPARSED: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** On the bare socket, where there is no response to answer with. */
export function answerUnparsed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return;
  const { status, fields, body } = unparsed(error);
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i] ?? ''}: ${fields[i + 1] ?? ''}\r\n`;
  socket.write(`${head}\r\n${body}`);
  endSoon(socket);
}

/** Lets the client read what was written, but not stay. */
export function endSoon(socket: Duplex): void {
  socket.end();
  socket.resume();
  const last = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(last));
}

/** The fields and the body of an answer to what Node could not parse. */
export function unparsed(error: NodeJS.ErrnoException): { status: number; fields: string[]; body: string } {
  const code = UNPARSED[error.code ?? ''] ?? 'bad_request';
  const id = uuidv7(Date.now());
  const answer = problem(code, errorCatalogue[code].title, { id, path: '' });
  const body = JSON.stringify(answer);
  const length = String(Buffer.byteLength(body));
  const fields = ['Content-Type', 'application/problem+json', 'Content-Length', length, 'X-Request-Id', id];
  return { status: answer.status, fields: [...fields, 'Connection', 'close'], body };
}
