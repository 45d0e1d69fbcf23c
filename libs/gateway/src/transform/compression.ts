import { type IncomingHttpHeaders } from 'node:http';
import { acceptable, type Coding } from './accept-encoding.js';
import { remembered } from './remembered.js';
import { addVary } from './vary.js';

/**
 * Which responses are compressed, and with what.
 *
 * Compression and secrecy do not go well together: over TLS, a page that repeats something of the request beside a secret
 * shows by its length how alike they are (BREACH). Aegis cannot know which pages do. One that does keeps itself out with
 * `Cache-Control: no-transform`, which a route can set under `response.headers`; `gateway.compression: off` is for all.
 */

/** Below this a packet is a packet. */
const SMALLEST = 1024;

interface CompressionSource {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Decides about a response and changes its fields (flat, in place) to what will be sent. Returns the coding to run the body
 * through; null: it goes as it is, or there is none (HEAD has the fields that GET would have).
 */
export function compressResponse(req: CompressionSource, status: number, fields: string[]): Coding | null {
  // 206 and 304 speak of bytes that the client already has in another form.
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return null;
  let type = -1;
  let length = -1;
  let etag = -1;
  let ranges = -1;
  let identityNamed = -1;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'etag') etag = i + 1;
        break;
      case 6:
      case 11:
        if (DIGESTS.has(name.toLowerCase())) return null;
        break;
      case 12:
        if (name.toLowerCase() === 'content-type') type = i + 1;
        break;
      case 13:
        switch (name.toLowerCase()) {
          case 'cache-control':
            if (forbidsTransform(fields[i + 1])) return null;
            break;
          case 'content-range':
            return null;
          case 'accept-ranges':
            ranges = i;
            break;
        }
        break;
      case 14: {
        const lower = name.toLowerCase();
        if (lower === 'content-length') length = i;
        else if (DIGESTS.has(lower)) return null;
        break;
      }
      case 16:
        if (name.toLowerCase() !== 'content-encoding') break;
        if ((fields[i + 1] as string).toLowerCase() !== 'identity') return null;
        identityNamed = i;
        break;
    }
  }
  if (type === -1 || !compressible(fields[type] as string) || forbidsTransform(req.headers['cache-control']))
    return null;
  const { coding, identity } = negotiated(req.headers['accept-encoding'] ?? '');
  if (length !== -1 && identity && Number(fields[length + 1]) < SMALLEST) return null;
  if (coding === null) {
    addVary(fields, 'Accept-Encoding');
    return null;
  }
  // A strong tag promises the same bytes.
  if (etag !== -1 && fields[etag]?.startsWith('"') === true) fields[etag] = `W/${fields[etag]}`;
  for (const at of [length, ranges, identityNamed].sort((a, b) => b - a)) if (at !== -1) fields.splice(at, 2);
  addVary(fields, 'Accept-Encoding');
  fields.push('Content-Encoding', coding);
  return req.method === 'HEAD' ? null : coding;
}

/** Digests of the content as the upstream sent it (RFC 9530, and what it replaced). */
const DIGESTS = new Set(['digest', 'content-md5', 'repr-digest', 'content-digest']);

function forbidsTransform(cacheControl: string | undefined): boolean {
  return cacheControl !== undefined && cacheControl.toLowerCase().includes('no-transform');
}

const negotiated = remembered(256, acceptable);

/** Text, and what is text in all but name. Events are sent one by one; gRPC frames its own messages. */
const TEXTUAL =
  /^(?!text\/event-stream|application\/grpc)(?:text\/|(?:[^;]*\+(?:json|xml|text|yaml)|application\/(?:json|jsonl|ndjson|x-ndjson|json-seq|xml|xml-dtd|(?:x-)?javascript|ecmascript|wasm|graphql|yaml|x-yaml|toml|sql|rtf|x-www-form-urlencoded|vnd\.ms-fontobject)|font\/(?:ttf|otf|collection)|image\/(?:bmp|x-icon|vnd\.microsoft\.icon))[ \t]*(?:;|$))/;

const compressible = remembered(256, (type) => TEXTUAL.test(type.trim().toLowerCase()));
