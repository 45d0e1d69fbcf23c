/** What a client got, read as strictly as a client that is attacked should. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface Answers {
  /** Final answers, in order. */
  readonly answers: readonly Answer[];
  /** Statuses of the 1xx that came before them. */
  readonly informational: readonly number[];
  /** Bytes that are not a whole answer, empty when every byte belonged to one. */
  readonly rest: string;
}

const HEAD = /^HTTP\/1\.1 (\d{3}) ?[^\r\n]*\r\n((?:[!#$%&'*+.^_`|~\w-]+:[^\r\n\0]*\r\n)*)\r\n/;

/** `bodiless`: how many answers from the first on are answers to HEAD, whose lengths are not those of a body. */
export function parseAnswers(wire: string, closed: boolean, bodiless = 0): Answers {
  const answers: Answer[] = [];
  const informational: number[] = [];
  let rest = wire;
  for (;;) {
    const head = HEAD.exec(rest);
    if (head === null) return { answers, informational, rest };
    const status = Number(head[1]);
    const headers = fields(head[2] ?? '');
    const after = rest.slice(head[0].length);
    if (status < 200 && status !== 101) {
      informational.push(status);
      rest = after;
      continue;
    }
    // What is refused before its method was understood is answered with a body.
    const isBodiless = (answers.length < bodiless && !after.startsWith('{')) || status === 204 || status === 304;
    const body = isBodiless ? { text: '', used: 0 } : bodyOf(headers, after, closed);
    if (body === null) return { answers, informational, rest };
    answers.push({ status, headers, body: body.text });
    rest = after.slice(body.used);
  }
}

function fields(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n').slice(0, -1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function bodyOf(
  headers: ReadonlyMap<string, string>,
  after: string,
  closed: boolean,
): { text: string; used: number } | null {
  const length = headers.get('content-length');
  if (headers.get('transfer-encoding') === 'chunked') return chunkedBody(after);
  if (length === undefined) return closed ? { text: after, used: after.length } : null;
  const used = Number(length);
  return after.length < used ? null : { text: after.slice(0, used), used };
}

function chunkedBody(after: string): { text: string; used: number } | null {
  let text = '';
  let at = 0;
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(after.slice(at, at + 20));
    if (line === null) return null;
    const size = parseInt(line[1] ?? '', 16);
    at += line[0].length;
    if (size === 0) {
      const end = after.indexOf('\r\n\r\n', at - 2);
      return end < 0 ? null : { text, used: end + 4 };
    }
    if (after.slice(at + size, at + size + 2) !== '\r\n') return null;
    text += after.slice(at, at + size);
    at += size + 2;
  }
}
