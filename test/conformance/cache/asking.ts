import { type Case, again, fetched, hit } from './steps.js';

const said = (directives: string) => ({ send: { 'cache-control': directives } });
const GONE = { status: 504, asks: false, has: { 'content-type': 'application/problem+json' } } as const;

/** What requests ask of the cache. */
export const asking: readonly Case[] = [
  ['no-store of a request: not stored', [fetched('max-age=60', said('no-store')), again()]],
  [
    'no-store of a request: what is stored is not used',
    [fetched('max-age=60'), again({ ...said('no-store'), cacheStatus: /fwd=request/ }), hit({ from: 1 })],
  ],
  [
    'no-cache: the upstream is asked, and its answer stored',
    [
      fetched('max-age=60'),
      again({ ...said('no-cache'), cacheStatus: /fwd=request; fwd-status=200; stored/ }),
      hit({ from: 2 }),
    ],
  ],
  ['Pragma: no-cache is no-cache', [fetched('max-age=60'), again({ send: { pragma: 'no-cache' } })]],
  [
    'Pragma: no-cache means nothing beside a Cache-Control',
    [fetched('max-age=60'), hit({ send: { pragma: 'no-cache', 'cache-control': 'max-stale=1' } })],
  ],
  [
    'max-age=0: the upstream is asked',
    [fetched({ 'cache-control': 'max-age=60', age: '1' }), again(said('max-age=0'))],
  ],
  [
    'max-age below the age: the upstream is asked',
    [fetched({ 'cache-control': 'max-age=60', age: '20' }), again(said('max-age=10'))],
  ],
  ['max-age above the age: a hit', [fetched({ 'cache-control': 'max-age=60', age: '20' }), hit(said('max-age=30'))]],
  [
    'min-fresh that is not left: the upstream is asked',
    [fetched({ 'cache-control': 'max-age=60', age: '20' }), again(said('min-fresh=50'))],
  ],
  ['min-fresh that is left: a hit', [fetched({ 'cache-control': 'max-age=60', age: '20' }), hit(said('min-fresh=30'))]],
  [
    'max-stale: a stale one is taken',
    [
      fetched({ 'cache-control': 'max-age=10', age: '15', etag: '"a"' }),
      hit({ ...said('max-stale=30'), cacheStatus: /^Aegis; hit; ttl=-[5-7]$/ }),
    ],
  ],
  [
    'max-stale without a number: any is taken',
    [fetched({ 'cache-control': 'max-age=10', age: '15', etag: '"a"' }), hit(said('max-stale'))],
  ],
  [
    'max-stale that is passed: the upstream is asked',
    [fetched({ 'cache-control': 'max-age=10', age: '15', etag: '"a"' }), again(said('max-stale=2'))],
  ],
  [
    'max-stale has no say over must-revalidate',
    [fetched({ 'cache-control': 'max-age=10, must-revalidate', age: '15', etag: '"a"' }), again(said('max-stale'))],
  ],
  [
    'max-stale has no say over proxy-revalidate',
    [fetched({ 'cache-control': 'max-age=10, proxy-revalidate', age: '15', etag: '"a"' }), again(said('max-stale'))],
  ],
  [
    'max-stale has no say over s-maxage',
    [fetched({ 'cache-control': 's-maxage=10', age: '15', etag: '"a"' }), again(said('max-stale'))],
  ],
  [
    'max-stale has no say over no-cache',
    [fetched({ 'cache-control': 'no-cache, max-age=60', etag: '"a"' }), again(said('max-stale'))],
  ],
  ['only-if-cached with a hit', [fetched('max-age=60'), hit(said('only-if-cached'))]],
  ['only-if-cached without one: 504', [{ ...GONE, ...said('only-if-cached'), cacheStatus: /^Aegis; fwd=uri-miss$/ }]],
  [
    'only-if-cached with a stale one: 504',
    [fetched({ 'cache-control': 'max-age=10', age: '15', etag: '"a"' }), { ...GONE, ...said('only-if-cached') }],
  ],
  [
    'only-if-cached with another variant: 504',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'x-a' }, { send: { 'x-a': '1' } }),
      { ...GONE, send: { 'x-a': '2', 'cache-control': 'only-if-cached' } },
    ],
  ],
  ['only-if-cached with a range: 504', [{ ...GONE, send: { range: 'bytes=0-1', 'cache-control': 'only-if-cached' } }]],
  [
    'a range passes by, and is not stored',
    [fetched('max-age=60', { send: { range: 'bytes=0-1' }, cacheStatus: /fwd=bypass; detail=range/ }), again()],
  ],
  [
    'a range passes by what is stored',
    [fetched('max-age=60'), again({ send: { range: 'bytes=0-1' } }), hit({ from: 1 })],
  ],
  [
    'If-Match is the upstream’s to judge',
    [fetched({ 'cache-control': 'max-age=60', etag: '"a"' }), again({ send: { 'if-match': '"a"' } })],
  ],
  [
    'If-Unmodified-Since is the upstream’s to judge',
    [fetched('max-age=60'), again({ send: { 'if-unmodified-since': new Date().toUTCString() } })],
  ],
  [
    'another query is another resource',
    [fetched('max-age=60', { suffix: '?a=1' }), again({ suffix: '?a=2' }), hit({ suffix: '?a=1', from: 1 })],
  ],
  ['the order of the query counts', [fetched('max-age=60', { suffix: '?a=1&b=2' }), again({ suffix: '?b=2&a=1' })]],
  ['the path is taken as normalised', [fetched('max-age=60', { suffix: '?q' }), hit({ suffix: '?q' })]],
];

/** Credentials and cookies. */
const auth = { authorization: 'Basic eDp5' };
const cookie = { cookie: 'session=1' };
export const callers: readonly Case[] = [
  [
    'with Authorization: not stored without permission',
    [fetched('max-age=60', { send: auth, cacheStatus: /detail=credentials/ }), again({ send: auth }), again()],
  ],
  ['with Authorization: what others got is not used', [fetched('max-age=60'), again({ send: auth }), hit({ from: 1 })]],
  ...['public, max-age=60', 's-maxage=60', 'max-age=60, must-revalidate'].map((allowed): Case => [
    `with Authorization: shared where it says ${allowed}`,
    [fetched(allowed, { send: auth }), hit({ send: auth }), hit()],
  ]),
  [
    'with Authorization: proxy-revalidate is no permission',
    [fetched('max-age=60, proxy-revalidate', { send: auth }), again({ send: auth })],
  ],
  [
    'with Authorization and only-if-cached: 504 where the stored one is not shared',
    [fetched('max-age=60'), { ...GONE, send: { ...auth, 'cache-control': 'only-if-cached' } }],
  ],
  [
    'with a key in X-API-Key that nobody asked for: the same',
    [fetched('max-age=60', { send: { 'x-api-key': 'k' } }), again({ send: { 'x-api-key': 'k' } })],
  ],
  [
    'with a cookie: stored where the upstream says how long',
    [fetched('max-age=60', { send: cookie }), hit({ send: cookie }), hit()],
  ],
  [
    'with a cookie: not stored on the word of the route alone',
    [fetched({}, { send: cookie, cacheStatus: /detail=cookies/ }), again({ send: cookie }), again()],
  ],
  [
    'with a cookie: what others got on the word of the route alone is not used',
    [fetched({}), again({ send: cookie }), hit({ from: 1 })],
  ],
];

/** Which of several answers. */
const by = (value: string) => ({ send: { 'accept-language': value } });
const LANGUAGE = { 'cache-control': 'max-age=60', vary: 'Accept-Language' };
export const varying: readonly Case[] = [
  [
    'one for each value',
    [
      fetched(LANGUAGE, by('de')),
      again({ ...by('fr'), cacheStatus: /fwd=vary-miss/ }),
      hit({ ...by('de'), from: 1 }),
      hit({ ...by('fr'), from: 2 }),
    ],
  ],
  ['none is a value too', [fetched(LANGUAGE), again(by('de')), hit({ from: 1 })]],
  [
    'white space and case of what is accepted say nothing',
    [fetched(LANGUAGE, by('de, en;q=0.5')), hit(by('DE,en;q=0.5'))],
  ],
  [
    'the order of codings says nothing',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'accept-encoding' }, { send: { 'accept-encoding': 'gzip, br' } }),
      hit({ send: { 'accept-encoding': 'br,gzip' } }),
    ],
  ],
  [
    'several lines are one value',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'x-a' }, { send: { 'x-a': ['1', '2'] } }),
      again({ send: { 'x-a': '1' } }),
      hit({ send: { 'x-a': ['1', '2'] }, from: 1 }),
    ],
  ],
  [
    'what an answer varies by may change',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'x-a' }, { send: { 'x-a': '1' } }),
      fetched({ 'cache-control': 'max-age=60', vary: 'x-b' }, { send: { 'x-a': '2' } }),
      hit({ send: { 'x-a': '3' }, from: 2 }),
    ],
  ],
  [
    'two fields',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'X-A, X-B' }, { send: { 'x-a': '1', 'x-b': '1' } }),
      again({ send: { 'x-a': '1', 'x-b': '2' } }),
      hit({ send: { 'x-a': '1', 'x-b': '1' }, from: 1 }),
    ],
  ],
  [
    'a value cannot pass for two',
    [
      fetched({ 'cache-control': 'max-age=60', vary: 'x-a, x-b' }, { send: { 'x-a': '1', 'x-b': '2' } }),
      again({ send: { 'x-a': '1,x-b:2' } }),
    ],
  ],
  [
    'no more than a few for one key',
    [
      ...Array.from({ length: 33 }, (_, i) =>
        fetched({ 'cache-control': 'max-age=60', vary: 'x-a' }, { send: { 'x-a': String(i) } }),
      ),
      hit({ send: { 'x-a': '32' }, from: 33 }),
      again({ send: { 'x-a': '0' } }),
    ],
  ],
];
