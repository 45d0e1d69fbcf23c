import { type StoredResponse } from './stored-response.js';
import { type Terms } from './terms.js';

/** Of the form below. What was written in another one is not read. */
const VERSION = 1;
const LENGTH_BYTES = 4;

type Head = readonly [
  version: number,
  method: string,
  status: number,
  reason: string,
  fields: readonly string[],
  receivedAt: number,
  uselessAt: number,
  terms: Terms,
];

/** A stored answer as one value: the length of its head, the head, the body as it is. */
export function encodeResponse(stored: StoredResponse, uselessAt: number): Buffer {
  const { method, status, reason, fields, receivedAt, terms, body } = stored;
  const head: Head = [VERSION, method, status, reason, fields, receivedAt, uselessAt, terms];
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, body]);
}

/** Null: it is none, or of no use any more. */
export function decodeResponse(value: Buffer, now: number): StoredResponse | null {
  if (value.length < LENGTH_BYTES) return null;
  const end = LENGTH_BYTES + value.readUInt32BE();
  if (end > value.length) return null;
  try {
    const head = JSON.parse(value.toString('utf8', LENGTH_BYTES, end)) as Head;
    if (!Array.isArray(head) || head[0] !== VERSION) return null;
    const [, method, status, reason, fields, receivedAt, uselessAt, terms] = head;
    if (uselessAt <= now) return null;
    return { method, status, reason, fields, receivedAt, terms, body: value.subarray(end) };
  } catch {
    return null;
  }
}
