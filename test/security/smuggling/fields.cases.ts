import { type Case, EVIL, get, head, post, REFUSED, SERVED } from './case.js';

const standsFast: readonly (readonly [named: string, sent: string, still: string])[] = [
  ['host', 'X: 1', 'host: h'],
  ['x-forwarded-for', 'X: 1', 'x-forwarded-for: 127.0.0.1'],
  ['x-forwarded-proto', 'X: 1', 'x-forwarded-proto: http'],
  ['x-forwarded-host', 'X: 1', 'x-forwarded-host: h'],
  ['x-request-id', 'X-Request-Id: mine', 'x-request-id: mine'],
  ['via', 'X: 1', 'via: 1.1 aegis'],
  ['content-length', 'Content-Length: 5', 'content-length: 5'],
  ['transfer-encoding', 'Content-Length: 5', 'content-length: 5'],
  ['connection', 'Content-Length: 5', 'content-length: 5'],
];

/** `Connection` names what is for one hop only. What Aegis adds, and what frames the message, is not the client's to take away. */
export const connectionNames: readonly Case[] = [
  ...standsFast.flatMap(([named, sent, still]): Case[] => {
    const body = sent.startsWith('Content') ? 'hello' : '';
    return [
      [
        `Connection names ${named}`,
        head(body ? 'POST /1' : 'GET /1', `Connection: ${named}`, sent) + body,
        SERVED,
        { has: [still], body },
      ],
      [
        `Connection names ${named}, after keep-alive, in odd case`,
        head(body ? 'POST /1' : 'GET /1', sent, `Connection: keep-alive ,\t${named.toUpperCase()} `) + body,
        SERVED,
        { has: [still], body },
      ],
      [
        `Connection names ${named} in a second field`,
        head(body ? 'POST /1' : 'GET /1', 'Connection: keep-alive', sent, `Connection: ${named}`) + body,
        SERVED,
        { has: [still], body },
      ],
    ];
  }),
  [
    'Connection names traceparent',
    get('Connection: traceparent', 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
    SERVED,
    { lacks: ['connection'] },
  ],
  [
    'Connection names a chunked body',
    head('POST /1', 'Connection: transfer-encoding', 'Transfer-Encoding: chunked') + '3\r\nabc\r\n0\r\n\r\n',
    SERVED,
    { has: ['transfer-encoding: chunked'], body: 'abc' },
  ],
  [
    'Connection names a field of the client',
    get('Connection: x-hop', 'X-Hop: 1', 'X-Kept: 2'),
    SERVED,
    { has: ['x-kept: 2'], lacks: ['x-hop', 'connection'] },
  ],
  [
    'Connection names fields with blanks and empty names',
    get('Connection: ,, x-hop ,,\tx-hip,', 'X-Hop: 1', 'X-Hip: 1'),
    SERVED,
    { lacks: ['x-hop', 'x-hip', 'connection'] },
  ],
  [
    'every field that is for one hop',
    get(
      'Connection: keep-alive',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'TE: trailers',
      'Trailer: X',
      'Proxy-Authorization: Basic eDp5',
      'Upgrade: foo',
    ),
    SERVED,
    { lacks: ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'proxy-authorization', 'upgrade'] },
  ],
];

const TWINS = [
  'X_Consumer_Name',
  'X-Consumer_Name',
  'X_Consumer-Name',
  'x_consumer_name',
  'X_CONSUMER_ID',
  'X_Consumer_Roles',
  'X-Consumer_Anything',
  'X.Consumer.Name',
  'X~Consumer~Roles',
  'X_Request_Id',
  'X-Request_Id',
  'X_Forwarded_For',
  'X-Forwarded_For',
  'X_Forwarded-For',
  'X_Forwarded_Proto',
  'X_Forwarded_Host',
  'X_Forwarded_Port',
  'X_Forwarded_Prefix',
  'X_Aegis_Identity',
  'X_Real_IP',
  'X-Real_IP',
  'Content_Length',
  'Transfer_Encoding',
];

/** Names that CGI-like servers cannot tell from those of Aegis: both become `HTTP_X_CONSUMER_NAME`. */
export const twins: readonly Case[] = [
  ...TWINS.map((name): Case => [`the twin ${name}`, get(`${name}: 5`) + EVIL, REFUSED]),
  ['the twin of a field beside the field', get('X-Consumer-Name: a', 'X_Consumer_Name: b') + EVIL, REFUSED],
  ['an underscore in any other name', get('My_Field: 1'), SERVED, { has: ['my_field: 1'] }],
  [
    'the fields themselves',
    get('X-Consumer-Name: admin', 'X-Consumer-Roles: admin', 'X-Consumer-Whatever: x', 'X-Real-IP: 6.6.6.6'),
    SERVED,
    { lacks: ['x-consumer-name', 'x-consumer-roles', 'x-consumer-whatever', 'x-real-ip'] },
  ],
];

export const oversize: readonly Case[] = [
  ['a target above the limit', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: h\r\n\r\n${EVIL}`, [414]],
  ['a query above the limit', `GET /1?${'a'.repeat(9000)} HTTP/1.1\r\nHost: h\r\n\r\n${EVIL}`, [414]],
  ['a target without an end', `GET /${'a'.repeat(60_000)}`, [431]],
  ['a field above the limit', get(`X: ${'a'.repeat(17_000)}`) + EVIL, [431]],
  ['a field name above the limit', get(`${'a'.repeat(17_000)}: 1`) + EVIL, [431]],
  ['a value without an end', `GET /1 HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(60_000)}`, [431]],
  ['a name without an end', `GET /1 HTTP/1.1\r\nHost: h\r\n${'a'.repeat(60_000)}`, [431]],
  ['many fields above the limit', get(...new Array<string>(3000).fill('Abc: 1')) + EVIL, [431]],
  ['fields without an end', `GET /1 HTTP/1.1\r\n${'Abc: 1\r\n'.repeat(8000)}`, [431]],
  ['blanks before a value, above the limit', get(`X: ${' '.repeat(60_000)}1`), SERVED, { has: ['x: 1'] }],
  ['a second Host behind 2,500 fields', `${get(...new Array<string>(2500).fill('a:'), 'Host: evil')}${EVIL}`, REFUSED],
  [
    'an identity behind 2,500 fields',
    get(...new Array<string>(2500).fill('a:'), 'X-Consumer-Name: admin', 'X-Last: 1'),
    SERVED,
    { has: ['x-last: 1'], lacks: ['x-consumer-name'] },
  ],
  [
    'a length behind 2,500 fields',
    `${post(...new Array<string>(2500).fill('a:'), 'Content-Length: 5')}hello`,
    SERVED,
    { has: ['content-length: 5'], body: 'hello' },
  ],
  [
    'chunks behind 2,500 fields',
    `${post(...new Array<string>(2500).fill('a:'), 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    SERVED,
    { has: ['transfer-encoding: chunked'], body: 'abc' },
  ],
  ['a body above the limit', `${post('Content-Length: 2000')}${EVIL}`, [413]],
  [
    'chunks above the limit',
    `${post('Transfer-Encoding: chunked')}7d0\r\n${'a'.repeat(2000)}\r\nfff\r\n${EVIL}`,
    [413],
  ],
];
