/** A request as it stood on the wire between the gateway and an upstream. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  /** Lower-case names with their values, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** False: the connection ended, or stopped, before the request was whole. */
  readonly complete: boolean;
}

const REQUEST_LINE = /^([A-Z][A-Z-]*) (\/[!-~]*) HTTP\/1\.1$/;
const FIELD = /^([!#$%&'*+.^_`|~\w-]+): ([\t -~\x80-\xff]*)$/;
const END_OF_HEAD = '\r\n\r\n';

/**
 * Reads all that the gateway ever sent on one upstream connection by the narrowest grammar there is. Whatever a server
 * could read in a second way is an error: this is the property that smuggling needs broken.
 */
export function readCanonical(bytes: string): WireRequest[] {
  const requests: WireRequest[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(END_OF_HEAD, at);
    if (end < 0) throw new Error(`an upstream got a head that does not end: ${JSON.stringify(bytes.slice(at))}`);
    const [line = '', ...lines] = bytes.slice(at, end).split('\r\n');
    const request = REQUEST_LINE.exec(line);
    if (request === null) throw new Error(`an upstream got the request line ${JSON.stringify(line)}`);
    const fields = lines.map(readField);
    const { body, next, complete } = readBody(bytes, end + END_OF_HEAD.length, framing(fields));
    requests.push({ method: request[1] ?? '', target: request[2] ?? '', fields, body, complete });
    at = next;
  }
  return requests;
}

function readField(line: string): readonly [string, string] {
  const field = FIELD.exec(line);
  if (field === null) throw new Error(`an upstream got the field line ${JSON.stringify(line)}`);
  return [field[1]!.toLowerCase(), field[2]!];
}

/** The length of the body, or `chunked`. */
function framing(fields: readonly (readonly [string, string])[]): number | 'chunked' {
  const all = (wanted: string): string[] => fields.filter(([name]) => name === wanted).map(([, value]) => value);
  if (all('host').length !== 1) throw new Error(`an upstream got ${all('host').length} Host fields`);
  const lengths = all('content-length');
  const codings = all('transfer-encoding');
  if (lengths.length + codings.length > 1) {
    throw new Error(`an upstream got the lengths ${JSON.stringify([...lengths, ...codings])}`);
  }
  const [length] = lengths;
  if (codings.length === 1) {
    if (codings[0] !== 'chunked') throw new Error(`an upstream got the transfer coding ${JSON.stringify(codings[0])}`);
    return 'chunked';
  }
  if (length === undefined) return 0;
  if (!/^\d{1,15}$/.test(length)) throw new Error(`an upstream got the length ${JSON.stringify(length)}`);
  return Number(length);
}

interface Body {
  readonly body: string;
  readonly next: number;
  readonly complete: boolean;
}

function readBody(bytes: string, from: number, length: number | 'chunked'): Body {
  if (length === 'chunked') return readChunks(bytes, from);
  const body = bytes.slice(from, from + length);
  return { body, next: from + body.length, complete: body.length === length };
}

function readChunks(bytes: string, from: number): Body {
  let body = '';
  let at = from;
  for (;;) {
    const line = /^([1-9a-f][0-9a-f]*|0)\r\n/.exec(bytes.slice(at, at + 20));
    if (line === null) return incomplete(bytes, at, body);
    const size = parseInt(line[1] ?? '', 16);
    at += line[0].length;
    const next = at + size + 2;
    if (bytes.length < next) return incomplete(bytes, bytes.length, body + bytes.slice(at));
    if (bytes.slice(next - 2, next) !== '\r\n')
      throw new Error('an upstream got a chunk that is not as long as it says');
    body += bytes.slice(at, at + size);
    if (size === 0) return { body, next, complete: true };
    at = next;
  }
}

function incomplete(bytes: string, at: number, body: string): Body {
  if (!/^[0-9a-f]*\r?$/.test(bytes.slice(at))) {
    throw new Error(`an upstream got the chunk size ${JSON.stringify(bytes.slice(at, at + 20))}`);
  }
  return { body, next: bytes.length, complete: false };
}
