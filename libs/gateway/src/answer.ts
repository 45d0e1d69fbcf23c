import { type ErrorCode, type Exchange, problem } from '#kernel';
import { type FixedAnswer } from './transform/fixed-answer.js';

/** The one place that answers a proxied exchange with a problem. Never throws; after the first byte of an answer it can only cut it off. */
export function answerProblem(
  exchange: Exchange,
  code: ErrorCode,
  detail: string,
  headers?: Readonly<Record<string, string>>,
): void {
  const { res, req } = exchange;
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
  fields.push(...exchange.ownFields, ...exchange.answerHeaders);
  // A body that nobody will read would be taken for the next request, or keep the client sending.
  if (!req.complete && hasBody(req.headers)) fields.push('Connection', 'close');
  res.writeHead(body.status, fields);
  if (req.method === 'HEAD') res.end();
  else {
    exchange.bytesOut = length;
    res.end(text);
  }
}

/** An answer that the configuration has. */
export function answerFixed(exchange: Exchange, { status, headers, body }: FixedAnswer): void {
  const { res, req } = exchange;
  exchange.status = status;
  const fields = [...headers, 'X-Request-Id', exchange.id, ...exchange.answerHeaders];
  if (!req.complete && hasBody(req.headers)) fields.push('Connection', 'close');
  res.writeHead(status, fields);
  if (body === null || req.method === 'HEAD') res.end();
  else {
    exchange.bytesOut = body.length;
    res.end(body);
  }
}

function hasBody(headers: NodeJS.Dict<string | string[]>): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
