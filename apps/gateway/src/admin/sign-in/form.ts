import { type IncomingMessage } from 'node:http';
import { Refusal } from '#kernel';

const LARGEST = 16_384;

/** The fields of a small form, as browsers and OAuth clients send it, or the same as JSON. */
export async function readForm(req: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST) throw new Refusal('body_too_large', `The body is larger than ${LARGEST} bytes.`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (!/^application\/json\b/i.test(req.headers['content-type'] ?? '')) return onceEach(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    const entries: readonly [string, unknown][] = Object.entries(value as object);
    return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    throw new Refusal('bad_request', 'The body is not JSON.');
  }
}

/** Who comes before us, or after, may read the other one (RFC 6749, 3.2). */
function onceEach(fields: URLSearchParams): ReadonlyMap<string, string> {
  const found = new Map(fields);
  if (found.size === fields.size) return found;
  throw new Refusal('bad_request', 'A field of the form is there more than once.');
}
