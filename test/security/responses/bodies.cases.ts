import { type Case, EVIL, ok, slowly, thenEnd, thenReset } from './case.js';

const CHUNKED = ok('Transfer-Encoding: chunked');
const END = '0\r\n\r\n';

const chunks: readonly (readonly [name: string, body: string])[] = [
  ['a chunk size with a space before it', ` 3\r\nabc\r\n${END}`],
  ['a chunk size with a plus', `+3\r\nabc\r\n${END}`],
  ['a chunk size with a minus', `-3\r\nabc\r\n${END}`],
  ['a chunk size with 0x', `0x3\r\nabc\r\n${END}`],
  ['a chunk size that is no number', `three\r\nabc\r\n${END}`],
  ['an empty chunk size', `\r\nabc\r\n${END}`],
  ['a chunk size past every number', `ffffffffffffffff\r\nabc\r\n${END}`],
  ['a chunk size before a bare LF', `3\nabc\r\n${END}`],
  ['a chunk size before a bare CR', `3\rabc\r\n${END}`],
  ['an extension before a bare LF', `3;a=b\nabc\r\n${END}`],
  ['an extension with a bare CR', `3;a=\rb\r\nabc\r\n${END}`],
  ['an extension without an end', `3;${'x'.repeat(10_000)}\r\nabc\r\n${END}`],
  ['a chunk longer than its size', `3\r\nabcd\r\n${END}`],
  ['a chunk shorter than its size', `4\r\nabc\r\n${END}`],
  ['a chunk that ends in a bare LF', `3\r\nabc\n${END}`],
  ['a chunk that ends in CR and something', `3\r\nabc\rX${END}`],
  ['a last chunk with a bare LF', `3\r\nabc\r\n0\n\n`],
  ['a last chunk with a minus', `3\r\nabc\r\n-0\r\n\r\n`],
  ['a trailer without a colon', `3\r\nabc\r\n0\r\nX\r\n\r\n`],
  ['a trailer with a space before the colon', `3\r\nabc\r\n0\r\nX : 1\r\n\r\n`],
  ['a trailer with a NUL', `3\r\nabc\r\n0\r\nX: \0\r\n\r\n`],
  ['a trailer with a bare LF', `3\r\nabc\r\n0\r\nX: 1\nSet-Cookie: evil=1\r\n\r\n`],
  ['a folded trailer', `3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n`],
  ['trailers without an end', `3\r\nabc\r\n0\r\n${'X: 1\r\n'.repeat(5000)}`],
];

/** Bodies that are no bodies, or not whole: the client sees that they are not. */
export const bodies: readonly Case[] = [
  ...chunks.map(([name, body]): Case => [name, `${CHUNKED}${body}${EVIL}`, 'cut']),
  ...chunks.map(([name, body]): Case => [
    `${name}, byte by byte`,
    slowly(`${CHUNKED}${body.slice(0, 60)}${EVIL}`),
    'cut',
  ]),
  ['an end inside a body with a length', thenEnd(`${ok('Content-Length: 100')}abc`), 'cut'],
  ['an end before a body with a length', thenEnd(ok('Content-Length: 100')), 'cut'],
  ['an end inside a chunk', thenEnd(`${CHUNKED}100\r\nabc`), 'cut'],
  ['an end inside a chunk size', thenEnd(`${CHUNKED}3\r\nabc\r\n1`), 'cut'],
  ['an end before the last chunk', thenEnd(`${CHUNKED}3\r\nabc\r\n`), 'cut'],
  ['an end inside the last chunk', thenEnd(`${CHUNKED}3\r\nabc\r\n0\r\n`), 'cut'],
  ['a reset inside a body with a length', thenReset(`${ok('Content-Length: 100')}abc`), 'cut'],
  ['a reset inside a chunk', thenReset(`${CHUNKED}100\r\nabc`), 'cut'],
  ['an end that ends the body', thenEnd(`${ok()}abc`), { body: 'abc' }],
  ['an end that ends the body, in HTTP/1.0', thenEnd('HTTP/1.0 200 OK\r\n\r\nabc'), { body: 'abc' }],
  [
    'extensions and trailers',
    `${CHUNKED}3;a="b"\r\nabc\r\n0;c\r\nX-Sum: 1\r\nSet-Cookie: evil=1\r\nContent-Length: 9\r\n\r\n`,
    { body: 'abc', lacks: ['set-cookie'] },
  ],
];

/** Trailers that are announced and cannot be sent on. */
export const announced: readonly Case[] = [
  [
    'trailers announced, and sent',
    `${ok('Trailer: X-Sum', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
    { body: 'abc', has: ['trailer'] },
  ],
  ['trailers announced, but a length', `${ok('Trailer: X-Sum', 'Content-Length: 3')}abc`, { body: 'abc' }],
  ['trailers announced to HEAD', ok('Trailer: X-Sum', 'Transfer-Encoding: chunked'), { body: '' }, 'HEAD'],
  ['trailers announced on 204', 'HTTP/1.1 204 No Content\r\nTrailer: X-Sum\r\n\r\n', { status: 204, body: '' }],
  ['trailers announced on 304', 'HTTP/1.1 304 Not Modified\r\nTrailer: X-Sum\r\n\r\n', { status: 304, body: '' }],
  ['trailers announced, and an end that ends the body', thenEnd(`${ok('Trailer: X-Sum')}abc`), { body: 'abc' }],
];

/** Bytes that are nobody's: after a whole answer, or where there is no body. */
export const surplus: readonly Case[] = [
  ['a response after a body with a length', `${ok('Content-Length: 3')}abc${EVIL}`, { body: 'abc' }],
  ['a response after chunks', `${CHUNKED}3\r\nabc\r\n${END}${EVIL}`, { body: 'abc' }],
  ['a response after no body', `${ok('Content-Length: 0')}${EVIL}`, { body: '' }],
  ['half a response after a body', `${ok('Content-Length: 3')}abcHTTP/1.1 200 OK\r\nX-Evil: `, { body: 'abc' }],
  ['an empty line after a body', `${ok('Content-Length: 3')}abc\r\n`, { body: 'abc' }],
  ['a response after one that closes', `${ok('Content-Length: 3', 'Connection: close')}abc${EVIL}`, { body: 'abc' }],
  [
    'a body on 204',
    `HTTP/1.1 204 No Content\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
    { status: 204, body: '', lacks: ['content-length', 'transfer-encoding'] },
  ],
  [
    'chunks on 204',
    `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n${END}`,
    { status: 204, body: '', lacks: ['content-length', 'transfer-encoding'] },
  ],
  [
    'a body on 304',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
    { status: 304, body: '' },
  ],
  ['a body on HEAD', `${ok(`Content-Length: ${EVIL.length}`)}${EVIL}`, { body: '' }, 'HEAD'],
  ['chunks on HEAD', `${CHUNKED}4\r\nevil\r\n${END}`, { body: '' }, 'HEAD'],
  ['a response after HEAD', `${ok('Content-Length: 100')}${EVIL}`, { body: '' }, 'HEAD'],
];

const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n';
const AFTER = `${ok('Content-Length: 3')}abc`;

/** Informational answers, and those that only look like one. */
export const informational: readonly Case[] = [
  ['100 before the answer', `HTTP/1.1 100 Continue\r\n\r\n${AFTER}`, { body: 'abc' }],
  ['102 before the answer', `HTTP/1.1 102 Processing\r\n\r\n${AFTER}`, { body: 'abc' }],
  ['103 before the answer', hints + AFTER, { body: 'abc' }],
  ['199 before the answer', `HTTP/1.1 199 Odd\r\nX: 1\r\n\r\n${AFTER}`, { body: 'abc' }],
  ['fifty hints before the answer', hints.repeat(50) + AFTER, { body: 'abc' }],
  ['a hint that splits the answer', `HTTP/1.1 103 Early Hints\r\nLink: </a>\nSet-Cookie: evil=1\r\n\r\n${AFTER}`, 502],
  ['a hint with what is no link', `HTTP/1.1 103 Early Hints\r\nLink: "><script>\r\n\r\n${AFTER}`, { body: 'abc' }],
  [
    'a hint with other fields',
    `HTTP/1.1 103 Early Hints\r\nSet-Cookie: evil=1\r\nContent-Length: 4\r\n\r\n${AFTER}`,
    { body: 'abc' },
  ],
  ['a hint with a body', `HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nevil${AFTER}`, 502],
  ['100 with a body', `HTTP/1.1 100 Continue\r\nContent-Length: 4\r\n\r\nevil${AFTER}`, 502],
  ['hints, then the end', thenEnd(hints), 502],
  [
    '101 without being asked',
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${EVIL}`,
    502,
  ],
  [
    '101 to another protocol',
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n${EVIL}`,
    502,
  ],
  ['101 to nothing', `HTTP/1.1 101 Switching Protocols\r\n\r\n${EVIL}`, 502],
];

/** Nothing comes, or nothing more. */
export const silences: readonly Case[] = [
  ['after the request', '', 504],
  ['inside a head', 'HTTP/1.1 200 OK\r\nX: 1\r\n', 504],
  ['after hints', hints, 504],
  ['inside a body with a length', `${ok('Content-Length: 100')}abc`, 'cut'],
  ['inside a chunk', `${CHUNKED}100\r\nabc`, 'cut'],
  ['before the last chunk', `${CHUNKED}3\r\nabc\r\n`, 'cut'],
];
