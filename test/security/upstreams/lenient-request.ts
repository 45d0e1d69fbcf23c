/** A request as a careless server understands it. */
export interface LenientRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/**
 * The most forgiving reader of HTTP/1 that could still be called one: any line end, folded lines, spaces around names,
 * underscores for dashes, numbers as far as they go, a length before a transfer coding, a transfer coding wherever the
 * word appears. Returns the first request and where it ends, or null while it is not whole.
 */
export function readLeniently(bytes: string): { request: LenientRequest; end: number } | null {
  const start = /^[\s\0]*/.exec(bytes)?.[0].length ?? 0;
  const head = /\r?\n\r?\n|\r\r/.exec(bytes.slice(start));
  if (head === null) return null;
  const from = start + head.index + head[0].length;
  const text = bytes.slice(start, start + head.index).replace(/(?:\r?\n|\r)[ \t]+/g, ' ');
  const [line = '', ...lines] = text.split(/\r?\n|\r/);
  const [method = '', target = '/'] = line.trim().split(/[\s\0]+/);
  const fields = new Map<string, string>();
  for (const each of lines) {
    const [name = '', ...value] = each.split(':');
    const key = name
      .replaceAll(/[\s\0]/g, '')
      .replaceAll('_', '-')
      .toLowerCase();
    // The first of a name counts, which is not what the gateway's parser would choose everywhere.
    if (!fields.has(key)) fields.set(key, value.join(':').trim());
  }
  const length = parseInt(fields.get('content-length') ?? '', 10);
  if (length > 0) {
    return bytes.length < from + length
      ? null
      : { request: { method, target, body: bytes.slice(from, from + length) }, end: from + length };
  }
  if (!/chunked/i.test(fields.get('transfer-encoding') ?? ''))
    return { request: { method, target, body: '' }, end: from };
  const chunks = readChunks(bytes, from);
  return chunks === null ? null : { request: { method, target, body: chunks.body }, end: chunks.end };
}

function readChunks(bytes: string, from: number): { body: string; end: number } | null {
  let body = '';
  let at = from;
  for (;;) {
    const line = /^[^\n]*\n/.exec(bytes.slice(at))?.[0];
    if (line === undefined) return null;
    const size = parseInt(line, 16);
    at += line.length;
    if (!(size > 0)) {
      const end = /^(?:[^\n]*[^\r\n][^\n]*\n)*\r?\n/.exec(bytes.slice(at))?.[0];
      return end === undefined ? null : { body, end: at + end.length };
    }
    if (bytes.length < at + size) return null;
    body += bytes.slice(at, at + size);
    at += size;
    at += /^\r?\n?/.exec(bytes.slice(at))?.[0].length ?? 0;
  }
}
