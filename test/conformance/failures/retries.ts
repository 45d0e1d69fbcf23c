import { describe, expect, it } from '@jest/globals';
import {
  NOBODY,
  type Asked,
  codeOf,
  type Part,
  plainUpstream,
  type Reply,
  reset,
  silence,
  type Stage,
  status,
} from '../stage.js';

interface Outcome {
  readonly status: number;
  /** How often the upstream was asked. */
  readonly tries: number;
}

/** What a route says, and the settings of its upstream. */
interface Settings {
  readonly retry?: object | 'off';
  readonly timeout?: string;
  readonly upstream?: object;
}

/** What happens, the settings, what the upstream does at first, the request, and what comes of it. */
type RetryCase = readonly [string, Settings, readonly Reply[], Asked, Outcome];

const DOWN = status(503);
const PUT: Asked = { method: 'PUT', body: 'a body' };
const POST: Asked = { method: 'POST', body: 'a body' };
/** Listed one by one: what is retried is only what a case is about. */
const ON_503 = { attempts: 2, when: [503] };
const IMPATIENT = { timeouts: { response: '800ms' } };
const RETRYING = { retry: { attempts: 1, when: [503] } };

const STATUSES: readonly RetryCase[] = [
  ...[500, 502, 503, 504].map((code): RetryCase => [
    `is made after a ${code} that is listed`,
    { retry: { attempts: 1, when: [code] } },
    [status(code)],
    {},
    { status: 200, tries: 2 },
  ]),
  ['is made after a 429 that is listed', { retry: { when: [429] } }, [status(429)], {}, { status: 200, tries: 2 }],
  ['is not made after a status that is not listed', { retry: ON_503 }, [status(500)], {}, { status: 500, tries: 1 }],
  ['is not made after a success', { retry: ON_503 }, [status(204)], {}, { status: 204, tries: 1 }],
  ['is made again', { retry: ON_503 }, [DOWN, DOWN], {}, { status: 200, tries: 3 }],
  [
    'is made again after another status that is listed',
    { retry: { attempts: 2, when: [500, 503] } },
    [DOWN, status(500)],
    {},
    { status: 200, tries: 3 },
  ],
  ['is not made again after one that is not', { retry: ON_503 }, [DOWN, status(500)], {}, { status: 500, tries: 2 }],
];

const ATTEMPTS: readonly RetryCase[] = [
  [
    'are as many as the route says: 1',
    { retry: { ...ON_503, attempts: 1 } },
    [DOWN, DOWN],
    {},
    { status: 503, tries: 2 },
  ],
  [
    'are as many as the route says: 3',
    { retry: { ...ON_503, attempts: 3 } },
    [DOWN, DOWN, DOWN, DOWN],
    {},
    { status: 503, tries: 4 },
  ],
  ['are none where the route says 0', { retry: { ...ON_503, attempts: 0 } }, [DOWN], {}, { status: 503, tries: 1 }],
  ['are none where the route says off', { upstream: RETRYING, retry: 'off' }, [DOWN], {}, { status: 503, tries: 1 }],
  ['are none where nothing is said', {}, [DOWN], {}, { status: 503, tries: 1 }],
  ['are as many as the upstream says', { upstream: RETRYING }, [DOWN], {}, { status: 200, tries: 2 }],
  [
    'are as many as the route says, before the upstream',
    { upstream: RETRYING, retry: { attempts: 2 } },
    [DOWN, DOWN],
    {},
    { status: 200, tries: 3 },
  ],
];

const FAULTS: readonly RetryCase[] = [
  ['that was reset is retried', { retry: { when: ['reset'] } }, [reset], {}, { status: 200, tries: 2 }],
  [
    'that is always reset is a 502',
    { retry: { attempts: 1, when: ['reset'] } },
    [reset, reset],
    {},
    { status: 502, tries: 2 },
  ],
  ['that was reset is not retried where that is not listed', { retry: ON_503 }, [reset], {}, { status: 502, tries: 1 }],
  [
    'without an answer is retried',
    { upstream: IMPATIENT, retry: { when: ['timeout'] } },
    [silence],
    {},
    { status: 200, tries: 2 },
  ],
  [
    'that never has an answer is a 504',
    { upstream: IMPATIENT, retry: { attempts: 1, when: ['timeout'] } },
    [silence, silence],
    {},
    { status: 504, tries: 2 },
  ],
  [
    'without an answer is not retried where that is not listed',
    { upstream: IMPATIENT, retry: ON_503 },
    [silence],
    {},
    { status: 504, tries: 1 },
  ],
  [
    'without an answer is not retried when the time of the exchange is over',
    { timeout: '300ms', retry: { when: ['timeout'] } },
    [silence],
    {},
    { status: 504, tries: 1 },
  ],
];

const METHODS: readonly RetryCase[] = [
  ['HEAD is', { retry: ON_503 }, [DOWN], { method: 'HEAD' }, { status: 200, tries: 2 }],
  ['OPTIONS is', { retry: ON_503 }, [DOWN], { method: 'OPTIONS' }, { status: 200, tries: 2 }],
  ['DELETE is', { retry: ON_503 }, [DOWN], { method: 'DELETE' }, { status: 200, tries: 2 }],
  ['PUT is, with its body', { retry: ON_503 }, [DOWN], PUT, { status: 200, tries: 2 }],
  [
    'PUT is, with its body in chunks',
    { retry: ON_503 },
    [DOWN],
    { ...PUT, headers: { 'transfer-encoding': 'chunked' } },
    { status: 200, tries: 2 },
  ],
  ['PUT is after a reset, with its body', { retry: { when: ['reset'] } }, [reset], PUT, { status: 200, tries: 2 }],
  ['POST is not', { retry: ON_503 }, [DOWN], POST, { status: 503, tries: 1 }],
  ['POST is not after a reset', { retry: { when: ['reset'] } }, [reset], POST, { status: 502, tries: 1 }],
  [
    'POST is where the route says so, with its body',
    { retry: { ...ON_503, methods: ['POST'] } },
    [DOWN],
    POST,
    { status: 200, tries: 2 },
  ],
  [
    'GET is not where the route says so',
    { retry: { ...ON_503, methods: ['POST'] } },
    [DOWN],
    {},
    { status: 503, tries: 1 },
  ],
];

const TABLES = [
  ['a retry', STATUSES],
  ['retries', ATTEMPTS],
  ['a try', FAULTS],
  ['of the methods that are retried,', METHODS],
] as const;

/** Each case has an upstream of its own: with its own connections and its own budget for retries. */
function nameOf(table: number, row: number): string {
  return `upstream-${table}-${row}`;
}

export const RETRIES: Part = {
  configure: (at) => ({
    upstreams: [
      ...TABLES.flatMap(([, cases], table) =>
        cases.map(([, { upstream = {} }], row) => ({ ...plainUpstream(nameOf(table, row), at.v1), ...upstream })),
      ),
      { ...plainUpstream('hopeless', at.v1), timeouts: { response: '300ms' } },
      { ...plainUpstream('pair', at.v1, at.v2), retry: { attempts: 1, when: [503, 'reset'] } },
      { ...plainUpstream('half-there', NOBODY, at.v3), retry: { attempts: 1, when: ['connect'] } },
      { ...plainUpstream('not-there', NOBODY), retry: { attempts: 1, when: ['connect'] } },
    ],
    routes: [
      ...TABLES.flatMap(([, cases], table) =>
        cases.map(([, route], row) => ({ ...route, path: `/${table}/${row}`, upstream: nameOf(table, row) })),
      ),
      ...['pair', 'half-there', 'not-there'].map((upstream) => ({ path: `/${upstream}`, upstream })),
      { path: '/hopeless', upstream: 'hopeless', timeout: '2s', retry: { attempts: 20, when: ['timeout'] } },
      { path: '/twice', upstream: 'v1', retry: { attempts: 1, when: [503, 'reset'] } },
    ],
  }),
  describe: describeRetries,
};

function describeRetries(stage: () => Stage): void {
  describe.each(TABLES.map(([about, cases], table) => [about, cases, table] as const))('%s', (_about, cases, table) => {
    it.each(cases.map(([says, , replies, asked, outcome], row) => [says, replies, asked, outcome, row] as const))(
      '%s',
      async (_says, replies, asked, outcome, row) => {
        stage().v1.repliesWith(...replies);
        const path = `/${table}/${row}`;
        const { status } = await stage().ask({ path, ...asked });
        const tries = stage().v1.asked;
        expect({ status, tries: tries.length }).toEqual(outcome);
        for (const { method, url, body, headers } of tries) {
          expect([method, url, body.toString()]).toEqual([asked.method ?? 'GET', path, asked.body ?? '']);
          expect(headers['x-request-id']).toBe(tries[0]?.headers['x-request-id']);
        }
      },
    );
  });

  describe('the client', () => {
    it('sees the answer of the last try alone', async () => {
      stage().v1.repliesWith(status(503, { 'x-try': '1' }), (res) => res.setHeader('x-try', '2').end('the second'));
      const { headers, body } = await stage().ask({ path: '/twice' });
      expect([headers['x-try'], body]).toEqual(['2', 'the second']);
    });

    it('sees the last failure as the upstream said it', async () => {
      stage().v1.repliesWith(DOWN, (res) => res.writeHead(503, { 'x-try': '2' }).end('still down'));
      const { status, headers, body } = await stage().ask({ path: '/twice' });
      expect([status, headers['x-try'], body]).toEqual([503, '2', 'still down']);
    });

    it('sees that an answer that had begun breaks off, and no second one', async () => {
      stage().v1.repliesWith((res) => res.writeHead(200).write('half', () => res.socket?.resetAndDestroy()));
      await expect(stage().ask({ path: '/twice' })).rejects.toThrow();
      expect(stage().v1.asked.length).toBe(1);
    });

    it('is told when the time for all tries is over', async () => {
      stage().v1.repliesWith(...Array<Reply>(25).fill(silence));
      const { status, body } = await stage().ask({ path: '/hopeless' });
      expect([status, codeOf(body)]).toEqual([504, 'upstream_timeout']);
      expect(stage().v1.asked.length).toBeGreaterThan(1);
      expect(stage().v1.asked.length).toBeLessThan(10);
    });
  });

  describe('a second try', () => {
    it.each<readonly [string, Reply]>([
      ['answered 503', DOWN],
      ['broke the connection', reset],
    ])('goes to the other target when the first %s', async (_says, reply) => {
      for (let i = 0; i < 4; i++) {
        const [bad, good] = i % 2 === 0 ? [stage().v1, stage().v2] : [stage().v2, stage().v1];
        stage().forget();
        bad.repliesWith(reply, reply);
        expect(await stage().whoAnswers({ path: '/pair' })).toBe(good.name);
        expect(good.asked.length).toBe(1);
      }
    });

    it.each<readonly [string, Asked]>([
      ['GET', {}],
      ['PUT', PUT],
      ['POST', POST],
    ])('is made with %s when nobody took the first', async (_says, asked) => {
      for (let i = 0; i < 4; i++) {
        const seen = await stage().seen({ path: '/half-there', ...asked });
        expect([seen.method, seen.body]).toEqual([asked.method ?? 'GET', asked.body ?? '']);
      }
      expect(stage().v3.asked.length).toBe(4);
    });

    it('that nobody takes either is a 502', async () => {
      const { status, body } = await stage().ask({ path: '/not-there' });
      expect([status, codeOf(body)]).toEqual([502, 'upstream_unreachable']);
    });
  });
}
