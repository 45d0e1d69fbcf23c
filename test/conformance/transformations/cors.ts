import { describe, expect, it } from '@jest/globals';
import { type Answer, type Part, type Stage, status } from '../stage.js';

const APP = 'https://app.example.com';
const OTHER = 'https://other.example.com:8443';
const EVIL = 'https://evil.example.net';

const ROUTES = {
  '/exact': {
    origins: [APP, OTHER],
    methods: ['GET', 'PUT'],
    headers: ['x-one', 'x-two'],
    expose: ['x-a', 'x-b'],
    credentials: false,
    maxAge: '1h',
  },
  '/credentials': { origins: [APP], methods: ['GET'], headers: [], expose: [], credentials: true, maxAge: '5s' },
  '/any': { origins: ['*'], methods: ['*'], headers: ['*'], expose: ['*'], credentials: false, maxAge: '0s' },
  '/any-with-credentials': { origins: [APP], methods: ['*'], headers: ['*'], expose: ['*'], credentials: true },
};

type Fields = Readonly<Record<string, string | undefined>>;

/** What the answer says to a browser, without the prefix that all of it has. */
function said({ headers }: Answer): Fields {
  const fields = Object.entries(headers).filter(([name]) => name.startsWith('access-control-'));
  return Object.fromEntries(fields.map(([name, value]) => [name.slice('access-control-'.length), String(value)]));
}

export const CORS: Part = {
  configure: () => ({
    routes: [
      ...Object.entries(ROUTES).map(([path, cors]) => ({ path, upstream: 'v1', cors })),
      { path: '/none', upstream: 'v1' },
      { path: '/by-method', methods: ['DELETE'], upstream: 'v1', cors: { origins: [APP], methods: ['DELETE'] } },
      { path: '/by-method', upstream: 'v2', cors: { origins: [OTHER], methods: ['GET'] } },
      { path: '/gone', redirect: { path: '/new' }, cors: { origins: [APP] } },
    ],
  }),
  describe: describeCors,
};

function describeCors(stage: () => Stage): void {
  async function preflight(path: string, origin: string, method: string, headers?: string): Promise<Answer> {
    return await stage().ask({
      method: 'OPTIONS',
      path,
      headers: {
        origin,
        'access-control-request-method': method,
        ...(headers === undefined ? {} : { 'access-control-request-headers': headers }),
      },
    });
  }

  const EXACT = {
    'allow-methods': 'GET, PUT',
    'allow-headers': 'x-one, x-two',
    'expose-headers': 'x-a, x-b',
    'max-age': '3600',
  };

  /** What happens; path, origin, method and headers of the preflight; what it is told. */
  type PreflightCase = readonly [string, readonly [string, string, string, string?], Fields];

  describe('a preflight', () => {
    const CASES: readonly PreflightCase[] = [
      ['learns what its origin may do', ['/exact', APP, 'PUT', 'x-one'], { 'allow-origin': APP, ...EXACT }],
      ['learns its own origin where there are several', ['/exact', OTHER, 'PUT'], { 'allow-origin': OTHER, ...EXACT }],
      [
        'learns what it may do when it asks for something else',
        ['/exact', APP, 'PATCH'],
        { 'allow-origin': APP, ...EXACT },
      ],
      [
        'learns which headers it may send when it asks for another',
        ['/exact', APP, 'GET', 'x-three'],
        { 'allow-origin': APP, ...EXACT },
      ],
      ['learns nothing for another origin', ['/exact', EVIL, 'GET'], {}],
      ['learns nothing for its origin over another scheme', ['/exact', 'http://app.example.com', 'GET'], {}],
      ['learns nothing for its origin by another port', ['/exact', `${APP}:8443`, 'GET'], {}],
      ['learns nothing for a name below its origin', ['/exact', 'https://x.app.example.com', 'GET'], {}],
      ['learns nothing for a name that begins like its origin', ['/exact', `${APP}.evil.test`, 'GET'], {}],
      ['learns nothing for the origin null', ['/exact', 'null', 'GET'], {}],
      [
        'learns that credentials may come along',
        ['/credentials', APP, 'GET'],
        { 'allow-origin': APP, 'allow-credentials': 'true', 'allow-methods': 'GET', 'max-age': '5' },
      ],
      ['learns nothing of credentials for another origin', ['/credentials', EVIL, 'GET'], {}],
      [
        'learns that anything may come from anywhere',
        ['/any', EVIL, 'PURGE', 'x-any'],
        { 'allow-origin': '*', 'allow-methods': '*', 'allow-headers': '*', 'expose-headers': '*', 'max-age': '0' },
      ],
      [
        'learns what it asked for, and no wildcard, with credentials',
        ['/any-with-credentials', APP, 'PURGE', 'x-any, x-more'],
        {
          'allow-origin': APP,
          'allow-credentials': 'true',
          'allow-methods': 'PURGE',
          'allow-headers': 'x-any, x-more',
          'max-age': '600',
        },
      ],
      [
        'learns of no headers when it asks for none, with credentials',
        ['/any-with-credentials', APP, 'PUT'],
        { 'allow-origin': APP, 'allow-credentials': 'true', 'allow-methods': 'PUT', 'max-age': '600' },
      ],
    ];

    it.each(CASES)('%s', async (_says, [path, origin, method, headers], fields) => {
      const before = stage().v1.asked.length;
      const answer = await preflight(path, origin, method, headers);
      expect([answer.status, answer.body]).toEqual([204, '']);
      expect(said(answer)).toEqual(fields);
      expect(stage().v1.asked.length).toBe(before);
    });

    it('is answered by the route that the request will take', async () => {
      expect(said(await preflight('/by-method', APP, 'DELETE'))).toMatchObject({ 'allow-methods': 'DELETE' });
      expect(said(await preflight('/by-method', APP, 'GET'))).toEqual({});
      expect(said(await preflight('/by-method', OTHER, 'GET'))).toMatchObject({ 'allow-methods': 'GET' });
    });

    it('is kept apart from those of other origins in caches', async () => {
      expect((await preflight('/exact', APP, 'GET')).headers.vary).toContain('Origin');
      expect((await preflight('/exact', EVIL, 'GET')).headers.vary).toContain('Origin');
    });

    it('goes to the upstream where there is no policy', async () => {
      expect((await preflight('/none', APP, 'GET')).from).toBe('v1');
    });

    it.each([
      ['without an origin', { 'access-control-request-method': 'GET' }],
      ['without the method that it announces', { origin: APP }],
    ])('is an ordinary request %s', async (_says, headers) => {
      expect(await stage().whoAnswers({ method: 'OPTIONS', path: '/exact', headers })).toBe('v1');
    });
  });

  /** What happens, path and origin of the request, and what a browser is told. */
  type RequestCase = readonly [string, string, string | undefined, Fields];

  describe('a request', () => {
    const CASES: readonly RequestCase[] = [
      ['may be read by its origin', '/exact', APP, { 'allow-origin': APP, 'expose-headers': 'x-a, x-b' }],
      [
        'may be read by another one of several',
        '/exact',
        OTHER,
        { 'allow-origin': OTHER, 'expose-headers': 'x-a, x-b' },
      ],
      ['may not be read by another origin', '/exact', EVIL, {}],
      ['says nothing without an origin', '/exact', undefined, {}],
      ['may have credentials', '/credentials', APP, { 'allow-origin': APP, 'allow-credentials': 'true' }],
      ['may not have credentials for another origin', '/credentials', EVIL, {}],
      ['may be read by anyone', '/any', EVIL, { 'allow-origin': '*', 'expose-headers': '*' }],
      [
        'has no wildcard with credentials',
        '/any-with-credentials',
        APP,
        { 'allow-origin': APP, 'allow-credentials': 'true' },
      ],
      ['says nothing where there is no policy', '/none', APP, {}],
    ];

    it.each(CASES)('%s', async (_says, path, origin, fields) => {
      const answer = await stage().ask({ path, headers: origin === undefined ? {} : { origin } });
      expect([answer.status, answer.from]).toEqual([200, 'v1']);
      expect(said(answer)).toEqual(fields);
    });

    it('brings its origin to the upstream', async () => {
      expect((await stage().seen({ path: '/exact', headers: { origin: APP } })).headers['origin']).toBe(APP);
    });

    it('hears what the gateway says, once, and not what the upstream says', async () => {
      for (const [origin, fields] of [
        [APP, { 'allow-origin': APP, 'expose-headers': 'x-a, x-b' }],
        [EVIL, {}],
      ] as const) {
        stage().v1.repliesWith(
          status(200, { 'access-control-allow-origin': '*', 'access-control-allow-credentials': 'true' }),
        );
        expect(said(await stage().ask({ path: '/exact', headers: { origin } }))).toEqual(fields);
      }
    });

    it('hears what the upstream says where there is no policy', async () => {
      stage().v1.repliesWith(status(200, { 'access-control-allow-origin': EVIL }));
      expect(said(await stage().ask({ path: '/none', headers: { origin: EVIL } }))).toEqual({ 'allow-origin': EVIL });
    });

    it.each([404, 503])('may be read by its origin when the upstream answers %d', async (code) => {
      stage().v1.repliesWith(status(code));
      const answer = await stage().ask({ path: '/exact', headers: { origin: APP } });
      expect([answer.status, said(answer)['allow-origin']]).toEqual([code, APP]);
    });

    it('may be read by its origin when it is redirected', async () => {
      const answer = await stage().ask({ path: '/gone', headers: { origin: APP } });
      expect([answer.status, said(answer)['allow-origin']]).toEqual([301, APP]);
    });
  });
}
