import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withRoutes } from '../../test/load-text.js';
import { loadConfig } from '../load.js';
import { type Mistake } from '../mistakes.js';
import { examine } from './examination.js';

const SEMVER =
  '^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(?:-((?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\\.(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$';

/** What people write, and what hints tell them to write. */
const HARMLESS = [
  '^/v[0-9]+/',
  '^/v(1|2)(/|$)',
  '^/[a-z]{2}(-[A-Z]{2})?/',
  '^/users/[0-9]+$',
  '/orders/\\d+$',
  '^/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  SEMVER,
  '^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,}$',
  '^/api/.*',
  '^/([^/]+/)*[^/]+$',
  '^/[a-z]+(-[a-z]+)*$',
  '^/[^/]*/users/[^/]*$',
  '\\.(png|jpe?g|gif|svg|webp)$',
  '^\\d{4}-\\d{2}-\\d{2}$',
  '^(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}$',
  '^Bearer .+$',
  '^eyJ[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$',
  'iPhone|Android|Mobile',
  '(curl|wget|python-requests)/',
  '^(?!internal).*$',
  '^(de|en|fr)$',
  'ä|ö|\\u00fc',
];

const EXPONENTIAL = [
  '(a+)+$',
  '^(a|a)*$',
  '^(a|aa)+$',
  '^(\\w+\\s?)*$',
  '(x+x+)+y',
  '(.*)*x',
  '^/(?:[a-z]+-?)+$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
];

const POLYNOMIAL = ['.*\\.json$', '^.*/.*/.*z$', '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$', '^\\s+|\\s+$'];

/** Routes whose every condition is a regular expression, and a bypass. */
function configured({ path = '^/a', header = 'h', query = 'q', rule = 'r', bypass = 'b' }): string {
  const routes = `- path: { regex: ${JSON.stringify(path)} }
  respond: { status: 200 }
  headers: { x-version: { regex: ${JSON.stringify(header)} } }
  query: { lang: { regex: ${JSON.stringify(query)} } }`;
  const limits = `rateLimiting:
  rules:
    - { name: one, limit: 1, window: 1s, match: { header: { x-tier: { regex: ${JSON.stringify(rule)} } } } }
  bypass: { header: { x-pass: { regex: ${JSON.stringify(bypass)} } } }
`;
  return withRoutes(routes, limits);
}

async function mistakesOf(text: string, env = {}): Promise<readonly Mistake[]> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-expressions-'));
  try {
    const file = join(folder, 'aegis.yaml');
    writeFileSync(file, text);
    const result = await loadConfig({ file, env, cwd: folder });
    return result.ok ? [] : result.mistakes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('regular expressions', () => {
  it('that people write are harmless', async () => {
    const verdicts = await examine(HARMLESS);
    expect(HARMLESS.filter((source) => verdicts.get(source)?.kind !== 'safe')).toEqual([]);
  }, 120_000);

  it('that double their time with each character are told from those that only grow fast', async () => {
    const verdicts = await examine([...EXPONENTIAL, ...POLYNOMIAL]);
    expect(EXPONENTIAL.map((source) => verdicts.get(source)?.kind)).toEqual(EXPONENTIAL.map(() => 'exponential'));
    expect(POLYNOMIAL.map((source) => verdicts.get(source)?.kind)).toEqual(POLYNOMIAL.map(() => 'polynomial'));
  }, 120_000);

  it('that were examined once are not examined again', async () => {
    await examine(['^/(?:once)+$']);
    // No time at all would be too little for a verdict.
    expect(await examine(['^/(?:once)+$'], { time: 0, all: 60_000 })).toEqual(
      new Map([['^/(?:once)+$', { kind: 'safe' }]]),
    );
  });

  it('that nobody can examine in time have no verdict, and do not keep others from theirs', async () => {
    const endless = '^(?:[a-z]{1,500}[0-9]{1,500}){1,500}$';
    const verdicts = await examine([endless, '^plain$'], { time: 50, all: 60_000 });
    expect(verdicts.get(endless)).toEqual({ kind: 'unknown' });
    expect(await examine(['^plain$'])).toEqual(new Map([['^plain$', { kind: 'safe' }]]));
  });
});

describe('expressions of documents', () => {
  it('keep nobody waiting whose expressions are to be served', async () => {
    const order: string[] = [];
    const endless = '^(?:[a-z]{1,500}[0-9]{1,500}){1,501}$';
    const document = examine([endless], { time: 10_000, all: 60_000 }, 'document').then(() => order.push('document'));
    await examine(['^/to/be/served$'], undefined, 'served').then(() => order.push('served'));
    await document;
    expect(order).toEqual(['served', 'document']);
  }, 60_000);
});

describe('all expressions of a file together', () => {
  it('have only so much time: those that nobody came to are not known to be safe', async () => {
    expect(await examine(['^/never/come/to$'], { time: 10_000, all: 1 })).toEqual(
      new Map([['^/never/come/to$', { kind: 'unknown' }]]),
    );
  });
});

describe('a configuration', () => {
  it.each([
    ['path', 'gateway.routes[0].path.regex', 3],
    ['header', 'gateway.routes[0].headers.x-version.regex', 5],
    ['query', 'gateway.routes[0].query.lang.regex', 6],
    ['rule', 'rateLimiting.rules[0].match.header.x-tier.regex', 9],
    ['bypass', 'rateLimiting.bypass.header.x-pass.regex', 10],
  ])('is refused for an explosive expression as %s, where it stands', async (where, path, line) => {
    expect(await mistakesOf(configured({}))).toEqual([]);
    const mistakes = await mistakesOf(configured({ [where]: '(a+)+$' }));
    expect(mistakes).toMatchObject([{ path, line, message: expect.stringContaining('"(a+)+$": a client could stop') }]);
  });

  it('has what is wrong with its expressions told beside everything else, in the order of the file', async () => {
    const text = configured({ path: '.*\\.json$', query: '(', rule: '(a|a)*b' });
    const mistakes = await mistakesOf(`${text}admin: { port: x }\n`);
    expect(mistakes.map(({ line, path, hint }) => [line, path, hint])).toEqual([
      [3, 'gateway.routes[0].path.regex', expect.stringContaining('begin with ^')],
      [6, 'gateway.routes[0].query.lang.regex', null],
      [9, 'rateLimiting.rules[0].match.header.x-tier.regex', expect.stringContaining('instead of (a+)+')],
      [11, 'admin.port', null],
    ]);
  });

  it('names the variable that an expression came from', async () => {
    const env = { AEGIS__GATEWAY__ROUTES__0__PATH__REGEX: '(a+)+$' };
    expect(await mistakesOf(configured({}), env)).toMatchObject([{ variable: Object.keys(env)[0], line: null }]);
  });
});
