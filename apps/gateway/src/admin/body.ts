import express, { type Request, type RequestHandler, type Response } from 'express';
import { Refusal } from '#kernel';
import { checkDepth } from './depth.js';

const LARGEST_ENTITY = 1024 ** 2;
const PATIENCE_MS = 30_000;

const readsJson = express.json({
  limit: LARGEST_ENTITY,
  strict: false,
  type: ['application/json', 'application/*+json'],
  verify: refuseEmpty,
});

/** Express reads a body of no bytes as `{}`, which would take everything away from what a PUT replaces. */
export function refuseEmpty(_req: unknown, _res: unknown, body: Buffer): void {
  if (body.length === 0) throw Object.assign(new Error('nothing was sent'), { type: EMPTY });
}

const EMPTY = 'entity.empty';

/** The map that a request brings as JSON. It is read only now, when the guard knows whose it is. */
export async function mapOf(req: Request, res: Response, what: string): Promise<Readonly<Record<string, unknown>>> {
  await readBody(readsJson, req, res);
  const body: unknown = req.body;
  if (body === undefined) throw noBody(req, 'send JSON, with Content-Type: application/json');
  checkDepth(body);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  const found = Array.isArray(body) ? 'a list' : body === null ? 'null' : `a ${typeof body}`;
  throw new Refusal('validation_failed', `${what} is a JSON object, not ${found}.`, undefined, [
    { path: '', message: `${found} stands where an object is expected` },
  ]);
}

export async function readBody(reads: RequestHandler, req: Request, res: Response): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const read = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => {
      reject(refusal(new Refusal('request_timeout', 'The body did not arrive in time.')));
      req.unpipe();
      req.pause();
    }, PATIENCE_MS);
    void reads(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(refusal(readable(error)))));
  });
  await read.finally(() => clearTimeout(timer));
}

/** What the parser complains about, in words for whoever sent it. */
function readable(error: unknown): unknown {
  const { type, message } = error as { readonly type?: unknown; readonly message?: unknown };
  if (type === 'entity.parse.failed')
    return new Refusal('bad_request', `The body is not valid JSON: ${String(message)}.`);
  if (type === EMPTY) return new Refusal('bad_request', 'The body is empty, where JSON is needed.');
  return error;
}

export function noBody(req: Request, send: string): Refusal {
  const type = req.get('content-type');
  if (type === undefined) return new Refusal('bad_request', `A body is needed: ${send}.`);
  return new Refusal('unsupported_media_type', `The body is said to be ${JSON.stringify(type)}: ${send}.`);
}

/** A refusal is no `Error`, on purpose; promises may be rejected with it all the same. */
function refusal(thrown: unknown): Error {
  return thrown as Error;
}
