import { type Case, EVIL, get, head, post, REFUSED, SERVED, SERVED_ONCE, TIMED_OUT } from './case.js';

const BAD = 'GET /evil HTTP/1.1\r\nHost : h\r\n\r\n';
const second = head('GET /2');
const third = head('GET /3');

/** Several requests on one connection, good ones and bad ones. */
export const pipelines: readonly Case[] = [
  ['three good requests', get() + second + third, [200, 200, 200]],
  ['a good request, then a bad one', get() + BAD + EVIL, SERVED_ONCE],
  ['two good requests, then a bad one', get() + second + BAD + EVIL, [200, 200, 400]],
  ['a bad request, then good ones', BAD + EVIL + EVIL, REFUSED],
  ['a request that is refused by its path, then one', head('GET /../etc') + EVIL, REFUSED],
  ['a request that is refused by its Host, then one', `GET /1 HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n${EVIL}`, REFUSED],
  [
    'a good request, then one that is refused by its Host, then one',
    `${get()}GET /evil HTTP/1.1\r\nHost: a b\r\n\r\n${EVIL}`,
    SERVED_ONCE,
  ],
  [
    'a good request with a body, then a bad one',
    `${post('Content-Length: 5')}hello${BAD}`,
    SERVED_ONCE,
    { body: 'hello' },
  ],
  [
    'a good request, then one with both lengths',
    `${get()}${head('POST /evil', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${EVIL}`,
    SERVED_ONCE,
  ],
  ['a good request, then one in HTTP/0.9', `${get()}GET /evil\r\n\r\n`, SERVED_ONCE],
  ['a good request, then half a one', `${get()}GET /evil HTTP/1.1\r\nHost: h\r\nX: `, [200, 408]],
  ['a request that closes, then one', get('Connection: close') + EVIL, SERVED],
  ['a request that closes, with an empty line after it', `${get('Connection: close')}\r\n`, SERVED],
  ['a body, an empty line, then a request', `${post('Content-Length: 5')}hello\r\n${second}`, [200, 200]],
  ['a HEAD, then a GET', head('HEAD /1') + second, [200, 200]],
  [
    'a HEAD with a body, then a GET',
    `${head('HEAD /1', 'Content-Length: 5')}hello${second}`,
    [200, 200],
    { body: 'hello' },
  ],
];

const hello = { has: ['content-length: 5'], lacks: ['expect'], body: 'hello' };

export const expectations: readonly Case[] = [
  ['Expect with a body', `${post('Expect: 100-continue', 'Content-Length: 5')}hello`, SERVED, hello],
  [
    'Expect with a body, then a request',
    `${post('Expect: 100-continue', 'Content-Length: 5')}hello${second}`,
    [200, 200],
    hello,
  ],
  ['Expect in odd case', `${post('eXPECT: 100-Continue', 'Content-Length: 5')}hello`, SERVED, hello],
  [
    'Expect with chunks',
    `${post('Expect: 100-continue', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    SERVED,
    { lacks: ['expect'], body: 'abc' },
  ],
  ['Expect without a body', get('Expect: 100-continue') + second, [200, 200], { lacks: ['expect'] }],
  [
    'Expect with a length of nought',
    post('Expect: 100-continue', 'Content-Length: 0') + second,
    [200, 200],
    { lacks: ['expect'], body: '' },
  ],
  [
    'Expect in HTTP/1.0',
    'POST /1 HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
    SERVED,
    hello,
  ],
  ['Expect of something else', `${post('Expect: 200-ok', 'Content-Length: 5')}hello${EVIL}`, [417]],
  ['Expect of something else without a body', get('Expect: gold') + EVIL, [417]],
  ['Expect of two things', `${post('Expect: 100-continue, gold', 'Content-Length: 5')}hello${EVIL}`, [417]],
  ['two Expects', `${post('Expect: 100-continue', 'Expect: gold', 'Content-Length: 5')}hello${EVIL}`, [417]],
  ['an empty Expect', get('Expect:') + second, [200, 200], { lacks: ['expect'] }],
  ['Expect with an obfuscated value', `${post('Expect: y 100-continue', 'Content-Length: 5')}hello${EVIL}`, [417]],
  [
    'Expect and both lengths',
    `${post('Expect: 100-continue', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${EVIL}`,
    REFUSED,
  ],
  [
    'Expect and a body that is refused by its length',
    `${post('Expect: 100-continue', 'Content-Length: 100000000')}${EVIL}`,
    [413],
  ],
];

const SOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
] as const;

/** The upstreams here answer an upgrade as an ordinary request, as servers do that know no WebSocket. */
export const upgrades: readonly Case[] = [
  ['an upgrade that is not taken, then a request', get(...SOCKET) + EVIL, SERVED],
  ['an upgrade with a length', post(...SOCKET, `Content-Length: ${EVIL.length}`) + EVIL, REFUSED],
  ['an upgrade with a length and no body', post(...SOCKET, `Content-Length: ${EVIL.length}`), REFUSED],
  ['an upgrade with chunks', `${post(...SOCKET, 'Transfer-Encoding: chunked')}0\r\n\r\n${EVIL}`, REFUSED],
  [
    'an upgrade with both lengths',
    `${post(...SOCKET, 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${EVIL}`,
    REFUSED,
  ],
  [
    'an upgrade to HTTP/2 with a body',
    `${post('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk', 'Content-Length: 5')}hello${EVIL}`,
    REFUSED,
  ],
  [
    'an upgrade to HTTP/2',
    get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk') + EVIL,
    SERVED,
    { lacks: ['upgrade', 'http2-settings', 'connection'] },
  ],
  [
    'an upgrade to TLS',
    head('OPTIONS /1', 'Connection: Upgrade', 'Upgrade: TLS/1.0') + EVIL,
    SERVED,
    { lacks: ['upgrade'] },
  ],
  ['an upgrade to nothing', get('Connection: Upgrade', 'Upgrade:') + second, [200, 200], { lacks: ['upgrade'] }],
  [
    'an upgrade to two protocols',
    get('Connection: Upgrade', 'Upgrade: websocket, h2c') + EVIL,
    SERVED,
    { lacks: ['upgrade'] },
  ],
  ['an upgrade that Connection does not name', get('Upgrade: websocket') + second, [200, 200], { lacks: ['upgrade'] }],
  [
    'a Connection that names an upgrade which is not there',
    get('Connection: Upgrade') + second,
    [200, 200],
    { lacks: ['connection', 'upgrade'] },
  ],
  ['an upgrade in HTTP/1.0', `GET /1 HTTP/1.0\r\nHost: h\r\n${SOCKET.join('\r\n')}\r\n\r\n${EVIL}`, SERVED],
  ['an upgrade with a bad path', head('GET /../1', ...SOCKET) + EVIL, REFUSED],
  ['an upgrade with two Hosts', get('Host: h', ...SOCKET) + EVIL, REFUSED],
];

/** Bodies where hardly anybody sends one: they are framed like all others. */
export const oddBodies: readonly Case[] = [
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'PATCH'].flatMap((method): Case[] => [
    [
      `${method} with a length`,
      `${head(`${method} /1`, `Content-Length: ${EVIL.length}`)}${EVIL}${second}`,
      [200, 200],
      { has: [`content-length: ${EVIL.length}`], body: EVIL },
    ],
    [
      `${method} with chunks`,
      `${head(`${method} /1`, 'Transfer-Encoding: chunked')}${EVIL.length.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n${second}`,
      [200, 200],
      { has: ['transfer-encoding: chunked'], lacks: ['content-length'], body: EVIL },
    ],
  ]),
  ['GET with half a body', `${head('GET /1', 'Content-Length: 500')}${EVIL}`, TIMED_OUT],
  ['HEAD with half a body', `${head('HEAD /1', 'Content-Length: 500')}${EVIL}`, TIMED_OUT],
];
