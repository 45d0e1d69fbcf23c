import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig, type LoadedConfig } from '#config';
import { Refusal } from '#kernel';
import { scratchFolder } from '#testing';
import { EntitySet } from '../dynamic/entity-set.js';
import { Examiner, megabytesOf } from './examiner.js';
import { Line } from './line.js';
import { type Examined, type SentDocument } from './messages.js';

const SLOW = 120_000;
const folder = scratchFolder('examiner');
const places = { file: join(folder, 'aegis.yaml'), dataDir: folder, cwd: folder };
const examiner = new Examiner(places);

const KEYS = Array.from(
  { length: 2500 },
  (_, i) => `    - { name: c${i}, apiKeys: [{ hash: "sha256:${String(i).padStart(64, '0')}" }] }`,
);
const FILE = `gateway:
  upstreams: [{ name: files, targets: ["http://127.0.0.1:1"] }]
  routes: [{ name: ofFile, path: /file, upstream: files }]
auth:
  jwt: { secrets: ["of-the-file-and-nobody-else-0123456789"] }
  consumers:
${KEYS.join('\n')}
`;
let file: LoadedConfig;

beforeAll(async () => {
  writeFileSync(places.file, FILE);
  const loaded = await loadConfig({ ...places, env: {} });
  if (!loaded.ok) throw new Error(loaded.mistakes[0]?.message);
  file = loaded;
}, SLOW);

afterAll(() => examiner.onApplicationShutdown());

const yaml = (text: string): SentDocument => ({ yaml: true, bytes: Buffer.from(text) });
const json = (value: unknown): SentDocument => ({ yaml: false, bytes: Buffer.from(JSON.stringify(value)) });
const specOf = (name: string) => ({ path: `/${name}`, upstream: 'files' });
const routes = (...names: string[]): SentDocument =>
  json({ gateway: { routes: names.map((name) => ({ name, ...specOf(name) })) } });

function stored(version: number, ...names: string[]): EntitySet {
  const records = names.map((name) => ({ kind: 'routes', name, spec: specOf(name), version }));
  return EntitySet.of(version, records);
}

async function wants(document: SentDocument, entities = EntitySet.empty): Promise<string[]> {
  const { wanted } = await examiner.examine(document, { file, entities });
  return wanted.map(({ kind, name, after }) => `${after === null ? '-' : '+'}${kind}/${name}`);
}

async function refusalOf(examined: Promise<Examined | string[]>): Promise<Refusal> {
  const thrown: unknown = await examined.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );
  if (thrown instanceof Refusal) return thrown;
  throw thrown as Error;
}

describe('a document on the thread', () => {
  it(
    'is held against what is served, which the thread is told once and then only what has changed',
    async () => {
      expect(await wants(routes('a', 'b'))).toEqual(['+routes/a', '+routes/b']);
      const one = stored(1, 'a', 'b');
      expect(await wants(routes('a', 'b'), one)).toEqual([]);
      const two = one.with(2, [
        { kind: 'routes', name: 'a', after: null },
        { kind: 'routes', name: 'c', after: specOf('c') },
      ]);
      expect(await wants(routes('a', 'b'), two)).toEqual(['-routes/c', '+routes/a']);
      expect(await wants(yaml(FILE), two)).toEqual(['-routes/b', '-routes/c']);
    },
    SLOW,
  );

  it(
    'may say about secrets, keys and routes of the file what is so, and nothing else',
    async () => {
      expect(
        await wants(
          yaml(
            FILE.replace('of-the-file', '(masked)').replace(
              /"\(masked\).*"/,
              '"(masked: at least 32 bytes in the original)"',
            ),
          ),
        ),
      ).toEqual([]);
      const taken = {
        auth: { consumers: [{ name: 'thief', apiKeys: [{ hash: `sha256:${'7'.padStart(64, '0')}` }] }] },
      };
      const { code, errors } = await refusalOf(wants(json({ gateway: { routes: [] }, ...taken })));
      expect([code, errors?.[0]?.message]).toEqual(['validation_failed', 'this key belongs to c7 already']);
      const other = await refusalOf(wants(json({ gateway: { routes: [{ name: 'ofFile', ...specOf('x') }] } })));
      expect([other.code, other.detail]).toEqual(['declared_in_file', expect.stringContaining('routes/ofFile')]);
    },
    SLOW,
  );

  it.each([
    ['that is no JSON', { yaml: false, bytes: Buffer.from('{"a":') }, 'bad_request', 'not valid JSON'],
    ['that is no text', { yaml: true, bytes: Buffer.from([0xff, 0xfe, 0x00]) }, 'bad_request', 'not UTF-8'],
    ['that is nested without end', json(JSON.parse('['.repeat(500) + ']'.repeat(500))), 'validation_failed', 'deeper'],
    [
      'with an expression that a client could stop the gateway with',
      json({ gateway: { routes: [{ name: 'x', path: { regex: '^/(c+)+$' }, upstream: 'files' }] } }),
      'validation_failed',
      'could stop the gateway',
    ],
    ['that is no configuration', yaml('gateway: { routes: [{ path: 1x }] }'), 'validation_failed', '1x'],
  ])('%s is refused with the reason', async (_, document, code, says) => {
    const refusal = await refusalOf(wants(document));
    expect([refusal.code, refusal.detail]).toEqual([code, expect.stringContaining(says)]);
  });

  it(
    'is told a thousand mistakes of at the most',
    async () => {
      const wrong = json({ gateway: { routes: Array.from({ length: 1500 }, () => ({ path: '/a', upsteam: 'x' })) } });
      expect((await refusalOf(wants(wrong))).errors).toHaveLength(1000);
    },
    SLOW,
  );

  it(
    'leaves the turns of the event loop to others',
    async () => {
      const names = Array.from({ length: 3000 }, (_, i) => `r${i}`);
      let turns = 0;
      let isDone = false;
      const turn = (): void => {
        turns++;
        if (!isDone) setImmediate(turn);
      };
      setImmediate(turn);
      const examined = await examiner.examine(routes(...names), { file, entities: EntitySet.empty });
      isDone = true;
      expect(examined.wanted).toHaveLength(names.length);
      expect(turns).toBeGreaterThan(100);
    },
    SLOW,
  );
});

describe('a thread', () => {
  it(
    'that takes too long is given up with 503, and the next document has one of its own',
    async () => {
      const hasty = new Examiner(places, { patience: 1 });
      const served = { file, entities: EntitySet.empty };
      const refusal = await refusalOf(hasty.examine(routes('a'), served));
      expect([refusal.code, refusal.headers]).toEqual(['overloaded', { 'Retry-After': '30' }]);
      hasty.onApplicationShutdown();
      const small = new Examiner(places, { megabytes: 24 });
      const names = Array.from({ length: 20_000 }, (_, i) => `r${i}`);
      expect((await refusalOf(small.examine(routes(...names), served))).detail).toContain('more memory');
      expect((await small.examine(routes('a'), { file: { ...file }, entities: served.entities })).unchanged).toBe(0);
      small.onApplicationShutdown();
    },
    SLOW,
  );

  it('does not begin what nobody waits for any more', async () => {
    let wanted = true;
    const first = examiner.examine(routes('a'), { file, entities: EntitySet.empty });
    const second = examiner.examine(routes('b'), { file, entities: EntitySet.empty }, () => wanted);
    wanted = false;
    expect((await first).wanted).toHaveLength(1);
    expect((await refusalOf(second)).code).toBe('overloaded');
  });
});

it('a thread takes a quarter of the memory, and a gigabyte at the most', () => {
  const gigabyte = 1024 ** 3;
  expect([0.25, 1, 2, 64].map((each) => megabytesOf(each * gigabyte))).toEqual([128, 256, 512, 1024]);
});

describe('the line of documents', () => {
  it('has four places for one caller and twelve for all, each given back when it is left', () => {
    const line = new Line();
    const mine = Array.from({ length: 4 }, () => line.enter('a'));
    expect(() => line.enter('a')).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    for (const caller of ['b', 'c']) for (let i = 0; i < 4; i++) line.enter(caller);
    expect(() => line.enter('d')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    mine[0]?.();
    line.enter('d');
    expect(() => line.enter('a')).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });
});
