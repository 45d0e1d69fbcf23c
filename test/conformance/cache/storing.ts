import { type Case, again, fetched, hit } from './steps.js';

const inAMinute = (): string => new Date(Date.now() + 60_000).toUTCString();
const anHourAgo = (): string => new Date(Date.now() - 3_600_000).toUTCString();

/** Stored, and good for the next one. */
const KEPT: readonly (readonly [string, string | Record<string, string | string[]>])[] = [
  ['says max-age', 'max-age=60'],
  ['says s-maxage', 's-maxage=60'],
  ['says nothing: the route has a ttl', {}],
  ['is public', 'public'],
  ['has an Expires in the future', { expires: inAMinute() }],
  ['has s-maxage for us and max-age=0 for others', 'max-age=0, s-maxage=60'],
  ['has max-age, which beats an Expires in the past', { 'cache-control': 'max-age=60', expires: anHourAgo() }],
  ['has a quoted max-age', 'max-age="60"'],
  ['shouts', 'MAX-AGE=60'],
  ['has directives that nobody knows', 'max-age=60, community="private, no-store", x'],
  ['has a Date in the future', { 'cache-control': 'max-age=60', date: inAMinute() }],
  ['is younger than its max-age', { 'cache-control': 'max-age=60', age: '30' }],
  ['says no-store and must-understand', 'max-age=60, no-store, must-understand'],
  ['may be revalidated by caches only', 'max-age=60, must-revalidate, proxy-revalidate'],
  ['has a tag and no word about time', { etag: '"a"' }],
  ['varies by nothing', { vary: '' }],
  ['varies by the host, which is part of the key', { 'cache-control': 'max-age=60', vary: 'Host, X-Forwarded-Proto' }],
];

const NOT_KEPT: readonly (readonly [string, string | Record<string, string | string[]>])[] = [
  ['says no-store', 'no-store'],
  ['says no-store beside max-age', 'max-age=60, no-store'],
  ['is private', 'private, max-age=60'],
  ['is private in part', 'private="x-name", max-age=60'],
  ['is private on another line', { 'cache-control': ['max-age=60', 'private'] }],
  ['has max-age=0', 'max-age=0'],
  ['has s-maxage=0 beside max-age', 'max-age=60, s-maxage=0'],
  ['has an Expires in the past', { expires: anHourAgo() }],
  ['has Expires: 0', { expires: '0' }],
  ['has a max-age that is no number', 'max-age=soon'],
  ['has a negative max-age', 'max-age=-60'],
  ['has two max-age, one of them 0', 'max-age=60, max-age=0'],
  ['sets a cookie', { 'cache-control': 'max-age=60', 'set-cookie': 'a=b' }],
  ['varies by everything', { 'cache-control': 'max-age=60', vary: '*' }],
  ['varies by everything, among others', { 'cache-control': 'max-age=60', vary: 'accept, *' }],
  ['varies by what Aegis writes anew for each request', { 'cache-control': 'max-age=60', vary: 'X-Request-Id' }],
  ['varies by the address of the client', { 'cache-control': 'max-age=60', vary: 'X-Forwarded-For' }],
  ['varies by more than anybody can mean', { vary: Array.from({ length: 20 }, (_, i) => `x-${i}`).join() }],
  ['has an Age above its max-age', { 'cache-control': 'max-age=60', age: '61' }],
  ['was made long ago', { 'cache-control': 'max-age=60', date: anHourAgo() }],
  ['is a stream of events', { 'cache-control': 'max-age=60', 'content-type': 'text/event-stream' }],
];

export const storing: readonly Case[] = [
  ...KEPT.map(([says, head]): Case => [`an answer is used again that ${says}`, [fetched(head), hit()]]),
  ...NOT_KEPT.map(([says, head]): Case => [`no answer is used again that ${says}`, [fetched(head), again()]]),
  [
    'the head tells that an answer was stored',
    [fetched('max-age=60', { cacheStatus: /^Aegis; fwd=uri-miss; fwd-status=200; stored$/ })],
  ],
  [
    'the head tells why an answer was not stored',
    [fetched('no-store', { cacheStatus: /^Aegis; fwd=uri-miss; fwd-status=200; detail=no-store$/ })],
  ],
  ['an answer that was not used before has no Age', [fetched('max-age=60', { has: { age: null } })]],
  [
    'an Age of the upstream goes on',
    [fetched({ 'cache-control': 'max-age=60', age: '20' }, { has: { age: '20' } }), hit({ has: { age: /^2[0-2]$/ } })],
  ],
  [
    'the apparent age counts',
    [fetched({ 'cache-control': 'max-age=7200', date: anHourAgo() }), hit({ has: { age: /^36\d\d$/ } })],
  ],
  [
    'what is left of the lifetime is told',
    [fetched({ 'cache-control': 'max-age=60', age: '20' }), hit({ cacheStatus: /ttl=(40|39)$/ })],
  ],
  [
    'a Cache-Status of the upstream stays in front',
    [
      fetched({ 'cache-control': 'max-age=60', 'cache-status': 'Origin; hit' }),
      hit({ cacheStatus: /^Origin; hit, Aegis; hit; ttl=/ }),
    ],
  ],
  [
    'must-understand holds for statuses that nobody knows',
    [fetched('max-age=60, must-understand', { gives: 299 }), again()],
  ],
  [
    'an encoded answer that forgot to say so varies by what is accepted',
    [
      fetched({ 'cache-control': 'max-age=60', 'content-encoding': 'x-own' }, { send: { 'accept-encoding': 'x-own' } }),
      hit({ send: { 'accept-encoding': 'x-own' } }),
      again({ send: { 'accept-encoding': 'gzip' }, cacheStatus: /fwd=vary-miss/ }),
    ],
  ],
];

const always = [200, 203, 300, 301, 308, 404, 405, 410, 414, 501];
const whenSaid = [201, 202, 302, 303, 307, 400, 403, 409, 418, 429, 500, 502, 503];

export const statuses: readonly Case[] = [
  ...always.map((gives): Case => [
    `${gives} is stored without being told`,
    [fetched({}, { gives }), hit({ status: gives })],
  ]),
  [
    '204 is stored, with no body and no length',
    [fetched({}, { gives: 204 }), hit({ status: 204, has: { 'content-length': null, age: /^\d+$/ } })],
  ],
  ...whenSaid.map((gives): Case => [
    `${gives} is not stored without being told`,
    [fetched({}, { gives }), again({ status: gives })],
  ]),
  ...[302, 307, 400, 403, 500, 503].map((gives): Case => [
    `${gives} is stored when it says how long`,
    [fetched('max-age=60', { gives }), hit({ status: gives })],
  ]),
  [
    '206 is never stored',
    [fetched({ 'cache-control': 'max-age=60', 'content-range': 'bytes 0-1/9' }, { gives: 206 }), again()],
  ],
];
