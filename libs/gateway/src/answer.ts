import { type ClientResponse, type ErrorCode, type Exchange, problem } from '#kernel';
import { type Leaver, leaveAtEndOfTurn } from './end-of-turn.js';
import { type FixedAnswer } from './transform/fixed-answer.js';

/** The one place that answers a proxied exchange with a problem. Never throws; an answer that has begun it can only cut off. */
export function answerProblem(
  exchange: Exchange,
  code: ErrorCode,
  detail: string,
  headers?: Readonly<Record<string, string>>,
): void {
  const { res, req } = exchange;
  if (exchange.answered) return;
  // Also where nobody is left to hear it: nothing more happens to this exchange.
  exchange.answered = true;
  exchange.errorCode = code;
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  const body = problem(code, detail, exchange);
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  exchange.status = body.status;
  const fields = [
    'Content-Type',
    'application/problem+json',
    'Content-Length',
    String(length),
    'X-Request-Id',
    exchange.id,
  ];
  for (const name in headers) fields.push(name, headers[name] ?? '');
  fields.push(...exchange.ownFields, ...addedFields(exchange));
  // A body that nobody will read would be taken for the next request, or keep the client sending.
  if (!req.complete && hasBody(req.headers)) fields.push('Connection', 'close');
  res.writeHead(body.status, fields);
  if (req.method !== 'HEAD') exchange.bytesOut = length;
  // What is ASCII leaves as a string, in one piece with the head.
  const sent = length === text.length ? text : Buffer.from(text);
  endAnswer(exchange, req.method === 'HEAD' ? undefined : sent);
}

/** An answer that the configuration has. */
export function answerFixed(exchange: Exchange, { status, headers, body }: FixedAnswer): void {
  const { res, req } = exchange;
  exchange.status = status;
  const fields = [...headers, 'X-Request-Id', exchange.id, ...addedFields(exchange)];
  if (!req.complete && hasBody(req.headers)) fields.push('Connection', 'close');
  res.writeHead(status, fields);
  const sent = body === null || req.method === 'HEAD' ? undefined : body;
  if (sent !== undefined) exchange.bytesOut = sent.length;
  endAnswer(exchange, sent);
}

/** What policies add to every answer; and how long its steps took, where that is told. */
export function addedFields({ answerHeaders, steps }: Exchange): readonly string[] {
  return steps === null ? answerHeaders : [...answerHeaders, 'Server-Timing', steps.told()];
}

/** The head has been written, and nothing of the body. */
export function endAnswer(exchange: Exchange, last: string | Buffer | undefined): void {
  letAnswerLeave(exchange, new Ending(exchange.res, last));
}

/** All of it is known, and `leaver` ends it. What HTTP/2 has for a connection leaves together anyway. */
export function letAnswerLeave(exchange: Exchange, leaver: Leaver): void {
  exchange.answered = true;
  if (exchange.req.httpVersionMajor === 2) leaver.leave();
  else leaveAtEndOfTurn(leaver);
}

class Ending implements Leaver {
  constructor(
    private readonly res: ClientResponse,
    private readonly last: string | Buffer | undefined,
  ) {}

  leave(): void {
    const { last, res } = this;
    if (typeof last === 'string') res.end(last, 'latin1');
    else res.end(last);
  }
}

function hasBody(headers: NodeJS.Dict<string | string[]>): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
