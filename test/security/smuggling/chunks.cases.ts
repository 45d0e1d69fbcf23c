import { type Case, EVIL, post, REFUSED, SERVED, SERVED_ONCE, TIMED_OUT } from './case.js';

const CHUNKED = post('Transfer-Encoding: chunked');
const END = '0\r\n\r\n';

const sizes: readonly (readonly [name: string, line: string])[] = [
  ['with a space before it', ' 3\r\n'],
  ['with a tab before it', '\t3\r\n'],
  ['with a plus', '+3\r\n'],
  ['with a minus', '-3\r\n'],
  ['with 0x', '0x3\r\n'],
  ['with h', '3h\r\n'],
  ['with an underscore', '0_3\r\n'],
  ['with a dot', '3.\r\n'],
  ['with a comma', '3,\r\n'],
  ['in quotes', '"3"\r\n'],
  ['that is empty', '\r\n'],
  ['that is an extension only', ';a=b\r\n'],
  ['that is not a number', 'xyz\r\n'],
  ['before a bare LF', '3\n'],
  ['before a bare CR', '3\r'],
  ['before CR CR LF', '3\r\r\n'],
  ['before LF CR', '3\n\r'],
  ['with a NUL', '3\0\r\n'],
  ['with a vertical tab', '3\x0b\r\n'],
  ['past 2^64', '10000000000000003\r\n'],
  ['past every number', `${'f'.repeat(100)}3\r\n`],
  ['with an extension before a bare LF', '3;a=b\n'],
  ['with a bare CR in its extension', '3;a=\rb\r\n'],
  ['with a bare LF in its extension', '3;a=\nb\r\n'],
  ['with a NUL in its extension', '3;a=\0\r\n'],
  ['with a line end in a quoted extension', '3;a="\r\n"\r\n'],
  ['with an extension of no end', `3;${'x'.repeat(40_000)}\r\n`],
  ['with a second size after a space', '3 4\r\n'],
  ['with a request in its extension', '3;GET /evil HTTP/1.1\r\n'],
];

/** A chunk size that one reader takes for another number. */
export const chunkSizes: readonly Case[] = [
  ...sizes.map(([name, line]): Case => [`a chunk size ${name}`, `${CHUNKED}${line}abc\r\n${END}${EVIL}`, REFUSED]),
  ...sizes.map(([name, line]): Case => [
    `a second chunk size ${name}`,
    `${CHUNKED}1\r\nx\r\n${line}abc\r\n${END}${EVIL}`,
    REFUSED,
  ]),
  ['a chunk size in upper case', `${CHUNKED}A\r\n0123456789\r\n${END}`, SERVED, { body: '0123456789' }],
  ['a chunk size with noughts before it', `${CHUNKED}0003\r\nabc\r\n${END}`, SERVED, { body: 'abc' }],
  ['an extension', `${CHUNKED}3;a=b\r\nabc\r\n${END}`, SERVED, { body: 'abc' }],
  ['an extension with a quoted value', `${CHUNKED}3;a="b;c"\r\nabc\r\n${END}`, SERVED, { body: 'abc' }],
  ['an extension on the last chunk', `${CHUNKED}3\r\nabc\r\n0;last\r\n\r\n`, SERVED, { body: 'abc' }],
  [
    'a chunk that holds a request',
    `${CHUNKED}${EVIL.length.toString(16)}\r\n${EVIL}\r\n${END}`,
    SERVED,
    { body: EVIL },
  ],
  ['a chunk that looks like the last one', `${CHUNKED}5\r\n0\r\n\r\n\r\n${END}`, SERVED, { body: '0\r\n\r\n' }],
];

/** Chunks that do not end where they say, and ends that are none. */
export const chunkEnds: readonly Case[] = [
  ['a chunk longer than its size', `${CHUNKED}3\r\nabcdef\r\n${END}${EVIL}`, REFUSED],
  ['a chunk shorter than its size', `${CHUNKED}5\r\nabc\r\n${END}${EVIL}`, REFUSED],
  ['a chunk without a line end', `${CHUNKED}3\r\nabc${END}${EVIL}`, REFUSED],
  ['a chunk that ends in a bare LF', `${CHUNKED}3\r\nabc\n${END}${EVIL}`, REFUSED],
  ['a chunk that ends in a bare CR', `${CHUNKED}3\r\nabc\r${END}${EVIL}`, REFUSED],
  ['a chunk that ends in two characters', `${CHUNKED}3\r\nabcXX${END}${EVIL}`, REFUSED],
  ['a last chunk with a bare LF', `${CHUNKED}3\r\nabc\r\n0\n\n${EVIL}`, REFUSED],
  ['a last chunk that ends in a bare LF', `${CHUNKED}3\r\nabc\r\n0\r\n\n${EVIL}`, REFUSED],
  ['a last chunk with a minus', `${CHUNKED}3\r\nabc\r\n-0\r\n\r\n${EVIL}`, REFUSED],
  ['a last chunk in hexadecimal', `${CHUNKED}3\r\nabc\r\n0x0\r\n\r\n${EVIL}`, REFUSED],
  ['a last chunk with spaces', `${CHUNKED}3\r\nabc\r\n0 \r\n\r\n${EVIL}`, REFUSED],
  ['a last chunk of many noughts', `${CHUNKED}3\r\nabc\r\n0000\r\n\r\n`, SERVED, { body: 'abc' }],
  ['no last chunk', `${CHUNKED}3\r\nabc\r\n`, TIMED_OUT],
  ['no end of the trailers', `${CHUNKED}3\r\nabc\r\n0\r\n`, TIMED_OUT],
  ['nothing but a head', CHUNKED, TIMED_OUT],
  [
    'a request after the last chunk',
    `${CHUNKED}3\r\nabc\r\n${END}${EVIL.replace('/evil', '/2')}`,
    [200, 200],
    { body: 'abc' },
  ],
  ['garbage after the last chunk', `${CHUNKED}3\r\nabc\r\n${END}\0\0`, SERVED_ONCE, { body: 'abc' }],
];

const trailers: readonly (readonly [name: string, line: string])[] = [
  ['with a space before the colon', 'X : 1\r\n'],
  ['with a bare LF', 'X: 1\n'],
  ['with a bare CR', 'X: 1\rY: 2\r\n'],
  ['with a NUL', 'X: \0\r\n'],
  ['that is folded', 'X: 1\r\n 2\r\n'],
  ['without a colon', 'X\r\n'],
  ['with a space before the name', ' X: 1\r\n'],
  ['with a length', 'Content-Length: 100\r\n'],
  ['with a transfer coding', 'Transfer-Encoding: chunked\r\n'],
];

const innocent: readonly (readonly [name: string, line: string])[] = [
  ['that is ordinary', 'X-Sum: 1\r\n'],
  ['with a host', 'Host: evil\r\n'],
  ['with an identity', 'X-Consumer-Name: admin\r\n'],
  ['with a forwarded address', 'X-Forwarded-For: 6.6.6.6\r\n'],
  ['with a credential', 'Authorization: Basic eDp5\r\n'],
];

/** Fields after the body, which must not become fields before it. */
export const trailerFields: readonly Case[] = [
  ...trailers.map(([name, line]): Case => [
    `a trailer ${name}`,
    `${CHUNKED}3\r\nabc\r\n0\r\n${line}\r\n${EVIL}`,
    REFUSED,
  ]),
  ...innocent.map(([name, line]): Case => [
    `a trailer ${name}`,
    `${CHUNKED}3\r\nabc\r\n0\r\n${line}\r\n`,
    SERVED,
    {
      body: 'abc',
      lacks: ['x-sum', 'content-length', 'x-consumer-name', 'authorization'],
      has: ['host: h', 'x-forwarded-for: 127.0.0.1'],
    },
  ]),
  ['a trailer of no end', `${CHUNKED}3\r\nabc\r\n0\r\nX: ${'x'.repeat(40_000)}\r\n\r\n${EVIL}`, [431]],
];
