import { IncomingMessage, METHODS } from 'node:http';
import { type ClientRequest, Refusal } from '#kernel';
import { bodyFraming, NO_BODY } from './forward/request-head.js';

/** A name or an address, perhaps with a port (RFC 9110, 7.2). */
const HOST = /^(?:(?:[\w.~!$&'()*+;=-]|%[\da-f]{2})+|\[[\da-f:.]+\])(?::\d*)?$/i;

/** Our own fields, and those that frame a message, in every spelling that a server could take for them. */
const OURS = /^(?:x.(?:consumer.|forwarded.|aegis.|request.id$|real.ip$)|content.length$|transfer.encoding$)/i;
const OURS_AS_WRITTEN =
  /^(?:x-(?:consumer-|forwarded-|aegis-|request-id$|real-ip$)|content-length$|transfer-encoding$)/i;
const OTHER_MARK = /[^a-z\d-]/i;

/**
 * Throws for a request that Node's parser lets pass and that another server could read in another way, or take for
 * somebody else's. Runs before anything else looks at it.
 */
export function refuseAmbiguous(req: ClientRequest, upgrade: boolean): void {
  if (req.httpVersionMajor !== 1) refuseOtherVersions(req);
  if (req.method === 'CONNECT') throw bad('This is no tunnel: CONNECT is not taken.');
  if (isHttp10(req) && req.headers['transfer-encoding'] !== undefined) {
    throw bad('HTTP/1.0 has no Transfer-Encoding.');
  }
  refuseFields(req.rawHeaders);
  const { host, expect } = req.headers;
  if (host === undefined ? !isHttp10(req) : host !== '' && !HOST.test(host)) {
    throw bad(host === undefined ? 'The Host field is missing.' : 'The Host field is not a host.');
  }
  if (bodyFraming(req) !== NO_BODY && upgrade) throw bad('A request with a body cannot ask for another protocol here.');
  if (expect !== undefined) refuseExpectation(req, expect);
}

/** HTTP/1.1 was the first to have hosts, chunks, expectations and informational answers. */
export function isHttp10(req: ClientRequest): boolean {
  return req.httpVersionMinor === 0 && req.httpVersionMajor === 1;
}

/**
 * What Node's parser of HTTP/1.1 has read can say that it is HTTP/2.0. Over HTTP/2 any token can be a method; that parser
 * knows those that exist, and both take the same ones.
 */
function refuseOtherVersions(req: ClientRequest): void {
  if (req instanceof IncomingMessage) throw bad(`HTTP/${req.httpVersion} is not spoken on this connection.`);
  if (!METHODS.includes(req.method ?? '')) throw bad('The method is not one of HTTP.');
}

/**
 * Throws for a normalised path that would have dot segments for a server that decodes once more than it should. Nobody
 * means `%252e%252e`; what only looks encoded, like `100%25`, is let alone.
 */
export function refuseHiddenDots(path: string): void {
  if (!path.includes('%25')) return;
  const parts = path
    .replaceAll(/%(?:25)+/g, '%')
    .replaceAll(/%2e/gi, '.')
    .split(/[/\\]|%2f|%5c/i);
  if (parts.includes('.') || parts.includes('..')) throw bad('The path has a dot segment that is encoded twice.');
}

function refuseFields(rawHeaders: readonly string[]): void {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4) {
      if (name.toLowerCase() === 'host' && ++hosts > 1) throw bad('There are several Host fields.');
    } else if (name.length >= 9 && OTHER_MARK.test(name) && OURS.test(name) && !OURS_AS_WRITTEN.test(name)) {
      throw bad(`Servers read the field ${name} in different ways; write it with dashes.`);
    }
  }
}

/** HTTP/1.0 knows no expectations and ignores them (RFC 9110, 10.1.1). */
function refuseExpectation(req: ClientRequest, expect: string): void {
  if (isHttp10(req) || expect === '') delete req.headers.expect;
  else if (expect.toLowerCase() !== '100-continue') {
    throw new Refusal('expectation_failed', 'Expect can only be 100-continue.');
  }
}

function bad(detail: string): Refusal {
  return new Refusal('bad_request', detail);
}
