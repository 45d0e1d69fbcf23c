import { type Case, type Step, again, fetched, hit } from './steps.js';

const OLD = 'Sun, 06 Nov 1994 08:49:37 GMT';
const OLDER = 'Sat, 05 Nov 1994 08:49:37 GMT';
const tagged = { 'cache-control': 'max-age=60', etag: '"a"' };
const weak = { 'cache-control': 'max-age=60', etag: 'W/"a"' };
const dated = { 'cache-control': 'max-age=60', 'last-modified': OLD };
const when = (name: string, value: string): Partial<Step> => ({ send: { [name]: value } });
const unchanged = (more: Partial<Step>): Step => hit({ status: 304, ...more });
const full = (more: Partial<Step>): Step => hit({ status: 200, ...more });

/** Clients that have an answer already. */
export const conditions: readonly Case[] = [
  [
    'If-None-Match with the tag: 304',
    [
      fetched(tagged),
      unchanged({
        ...when('if-none-match', '"a"'),
        has: { etag: '"a"', age: /\d/, 'cache-control': 'max-age=60', 'content-type': null },
      }),
    ],
  ],
  ['If-None-Match with another tag: 200', [fetched(tagged), full(when('if-none-match', '"b"'))]],
  [
    'If-None-Match with the tag among others: 304',
    [fetched(tagged), unchanged(when('if-none-match', '"x", W/"y" ,"a"'))],
  ],
  [
    'If-None-Match with the weak form of a strong tag: 304 with that',
    [fetched(tagged), unchanged({ ...when('if-none-match', 'W/"a"'), has: { etag: 'W/"a"' } })],
  ],
  ['If-None-Match with the strong form of a weak tag: 304', [fetched(weak), unchanged(when('if-none-match', '"a"'))]],
  ['If-None-Match with a star: 304', [fetched(tagged), unchanged(when('if-none-match', '*'))]],
  [
    'If-None-Match with a tag that has a comma in it',
    [
      fetched({ 'cache-control': 'max-age=60', etag: '"a,b"' }),
      unchanged(when('if-none-match', '"a,b"')),
      full(when('if-none-match', '"a')),
    ],
  ],
  ['If-None-Match without a tag to compare: 200', [fetched('max-age=60'), full(when('if-none-match', '"a"'))]],
  [
    'If-Modified-Since with the date: 304',
    [fetched(dated), unchanged({ ...when('if-modified-since', OLD), has: { 'last-modified': OLD } })],
  ],
  ['If-Modified-Since with an older one: 200', [fetched(dated), full(when('if-modified-since', OLDER))]],
  [
    'If-Modified-Since in the form of RFC 850: 304',
    [fetched(dated), unchanged(when('if-modified-since', 'Sunday, 06-Nov-94 08:49:37 GMT'))],
  ],
  [
    'If-Modified-Since in the form of asctime: 304',
    [fetched(dated), unchanged(when('if-modified-since', 'Sun Nov  6 08:49:37 1994'))],
  ],
  ['If-Modified-Since that is no date: 200', [fetched(dated), full(when('if-modified-since', 'yesterday'))]],
  [
    'If-None-Match beats If-Modified-Since',
    [
      fetched({ ...tagged, 'last-modified': OLD }),
      full({ send: { 'if-none-match': '"b"', 'if-modified-since': OLD } }),
    ],
  ],
  [
    'only a 200 can be unchanged',
    [fetched(tagged, { gives: 404 }), hit({ ...when('if-none-match', '"a"'), status: 404 })],
  ],
  [
    'with nothing stored the upstream judges',
    [
      {
        ...when('if-none-match', '"a"'),
        upstream: { status: 304, headers: { etag: '"a"', 'cache-control': 'max-age=60' } },
        asks: true,
        status: 304,
        asksWith: { 'if-none-match': '"a"' },
      },
      fetched(tagged),
    ],
  ],
  ['an answer to a condition is stored like any other', [fetched(tagged, when('if-none-match', '"z"')), hit()]],
];

const STALE = { 'cache-control': 'max-age=10', age: '15' };
const news = (headers: Record<string, string>, more: Partial<Step> = {}): Step => ({
  upstream: { status: 304, headers },
  asks: true,
  status: 200,
  from: 1,
  cacheStatus: /fwd=stale; fwd-status=304/,
  ...more,
});

/** The upstream is asked whether what is stored is still good. */
export const revalidation: readonly Case[] = [
  [
    'by tag: 304 makes it fresh',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news({ etag: '"a"', 'cache-control': 'max-age=60' }, { asksWith: { 'if-none-match': '"a"' } }),
      hit({ from: 1 }),
    ],
  ],
  [
    'by date: 304 makes it fresh',
    [
      fetched({ ...STALE, 'last-modified': OLD }),
      news({ 'cache-control': 'max-age=60' }, { asksWith: { 'if-modified-since': OLD } }),
      hit({ from: 1 }),
    ],
  ],
  [
    'by both',
    [
      fetched({ ...STALE, etag: '"a"', 'last-modified': OLD }),
      news({}, { asksWith: { 'if-none-match': '"a"', 'if-modified-since': OLD } }),
    ],
  ],
  [
    'without either it is simply asked',
    [fetched(STALE), fetched('max-age=60', { asksWith: { 'if-none-match': undefined } }), hit()],
  ],
  [
    '304 replaces fields',
    [
      fetched({ ...STALE, etag: '"a"', 'x-one': '1', 'x-two': '1' }),
      news({ 'cache-control': 'max-age=60', 'x-one': '2' }, { has: { 'x-one': '2', 'x-two': '1' } }),
      hit({ from: 1, has: { 'x-one': '2', 'x-two': '1' } }),
    ],
  ],
  [
    '304 does not touch what describes the body',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news(
        { 'cache-control': 'max-age=60', 'content-encoding': 'gzip', 'content-length': '0' },
        { has: { 'content-encoding': null, 'content-length': '8' } },
      ),
    ],
  ],
  [
    '304 with a cookie keeps the cookie out',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news({ 'cache-control': 'max-age=60', 'set-cookie': 'a=b' }, { has: { 'set-cookie': null } }),
    ],
  ],
  [
    '304 with no-store: used once more, and forgotten',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news({ 'cache-control': 'no-store' }),
      fetched('max-age=60', { cacheStatus: /uri-miss/ }),
    ],
  ],
  [
    '304 about another tag is not believed',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news({ etag: '"b"', 'cache-control': 'max-age=60' }),
      fetched('max-age=60', { cacheStatus: /uri-miss/ }),
    ],
  ],
  [
    'a new answer takes its place',
    [
      fetched({ ...STALE, etag: '"a"' }),
      fetched({ 'cache-control': 'max-age=60', etag: '"b"' }, { cacheStatus: /fwd=stale; fwd-status=200; stored/ }),
      hit({ has: { etag: '"b"' } }),
    ],
  ],
  [
    'a new answer that is not stored ends the old one',
    [fetched({ ...STALE, etag: '"a"' }), fetched('no-store'), fetched('max-age=60', { cacheStatus: /uri-miss/ })],
  ],
  [
    'no-cache is asked about each time',
    [
      fetched({ 'cache-control': 'no-cache', etag: '"a"' }),
      news({ 'cache-control': 'no-cache' }),
      news({ 'cache-control': 'no-cache' }),
    ],
  ],
  [
    'the conditions of the client are judged here',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news(
        { 'cache-control': 'max-age=60' },
        { ...when('if-none-match', '"old"'), asksWith: { 'if-none-match': '"a"' } },
      ),
    ],
  ],
  [
    'a client that has it gets 304',
    [
      fetched({ ...STALE, etag: '"a"' }),
      news({ 'cache-control': 'max-age=60' }, { ...when('if-none-match', '"a"'), status: 304 }),
      hit({ from: 1 }),
    ],
  ],
  [
    'a client that asks for a fresh one',
    [fetched(tagged), news({}, { send: { 'cache-control': 'no-cache' }, cacheStatus: /fwd=request; fwd-status=304/ })],
  ],
  [
    'HEAD makes it fresh too',
    [fetched({ ...STALE, etag: '"a"' }), news({ 'cache-control': 'max-age=60' }, { method: 'HEAD' }), hit({ from: 1 })],
  ],
];

/** RFC 5861, 4. */
const rescued = (gives: number, more: Partial<Step> = {}): Step => ({
  upstream: { status: gives },
  asks: true,
  status: 200,
  from: 1,
  cacheStatus: /detail=stale-if-error/,
  ...more,
});
const TOLERANT = { 'cache-control': 'max-age=10, stale-if-error=60', age: '15' };
export const failing: readonly Case[] = [
  ...[500, 502, 503, 504].map((gives): Case => [
    `${gives}: a stale answer stands in where it says so`,
    [fetched(TOLERANT), rescued(gives, { has: { age: /^1\d$/ } })],
  ]),
  ['404 is an answer', [fetched(TOLERANT), fetched('no-store', { gives: 404 })]],
  ['501 is an answer', [fetched(TOLERANT), fetched('no-store', { gives: 501 })]],
  ['not where nothing is said', [fetched({ ...STALE, etag: '"a"' }), fetched({}, { gives: 503 })]],
  ['not where it is too old for that', [fetched({ ...TOLERANT, age: '75', etag: '"a"' }), fetched({}, { gives: 503 })]],
  [
    'not against must-revalidate',
    [
      fetched({ 'cache-control': 'max-age=10, must-revalidate, stale-if-error=60', age: '15', etag: '"a"' }),
      fetched({}, { gives: 503 }),
    ],
  ],
  [
    'where the client says so',
    [fetched({ ...STALE, etag: '"a"' }), rescued(503, { send: { 'cache-control': 'stale-if-error=60' } })],
  ],
  [
    'a client has no say over s-maxage',
    [
      fetched({ 'cache-control': 's-maxage=10', age: '15', etag: '"a"' }),
      fetched({}, { gives: 503, send: { 'cache-control': 'stale-if-error=60' } }),
    ],
  ],
  ['after it the upstream is asked again', [fetched(TOLERANT), rescued(503), fetched('max-age=60')]],
];

/** HEAD, and methods that change something. */
export const methods: readonly Case[] = [
  [
    'HEAD is answered from a GET',
    [fetched('max-age=60'), hit({ method: 'HEAD', status: 200, has: { 'content-length': '8' } })],
  ],
  [
    'HEAD is not stored where only GET is',
    [fetched('max-age=60', { method: 'HEAD' }), again({ method: 'HEAD' }), fetched('max-age=60')],
  ],
  ...['POST', 'PUT', 'DELETE', 'PATCH', 'PURGE'].map((method): Case => [
    `${method} ends what is stored`,
    [
      fetched('max-age=60'),
      fetched({}, { method, cacheStatus: /^Aegis; fwd=method; fwd-status=200$/ }),
      fetched('max-age=60', { cacheStatus: /uri-miss/ }),
    ],
  ]),
  [
    'a redirect after POST ends it as well',
    [fetched('max-age=60'), fetched({ location: '/elsewhere' }, { method: 'POST', gives: 303 }), fetched('max-age=60')],
  ],
  ...[400, 409, 500].map((gives): Case => [
    `a POST that failed with ${gives} ends nothing`,
    [fetched('max-age=60'), fetched({}, { method: 'POST', gives }), hit({ from: 1 })],
  ]),
  ['OPTIONS ends nothing and is not stored', [fetched('max-age=60'), again({ method: 'OPTIONS' }), hit({ from: 1 })]],
  [
    'the answer to a POST is not used for GET',
    [fetched('max-age=60', { method: 'POST', body: 'x' }), fetched('max-age=60')],
  ],
  [
    'all variants end',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'x-a' }, { send: { 'x-a': '1' } }),
      again({ send: { 'x-a': '2' } }),
      again({ method: 'DELETE' }),
      again({ send: { 'x-a': '1' } }),
      again({ send: { 'x-a': '2' } }),
    ],
  ],
  [
    'another query stays',
    [fetched('max-age=60', { suffix: '?a' }), again({ method: 'POST' }), hit({ suffix: '?a', from: 1 })],
  ],
  [
    'what Location names ends',
    [
      fetched('max-age=60', { suffix: '?new' }),
      fetched({ location: '?new' }, { method: 'POST', gives: 201 }),
      again({ suffix: '?new' }),
    ],
  ],
  [
    'what Location names on another host stays',
    [
      fetched('max-age=60', { suffix: '?new' }),
      fetched({ location: 'http://other.example/?new' }, { method: 'POST', gives: 201 }),
      hit({ suffix: '?new', from: 1 }),
    ],
  ],
  [
    'a GET with a body is nobody else’s',
    [
      fetched('max-age=60', { body: 'fat', send: { 'content-length': '3' }, cacheStatus: /detail=body/ }),
      again(),
      hit(),
    ],
  ],
];
