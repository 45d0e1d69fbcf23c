import { fileURLToPath } from 'node:url';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accepted, loadText, mistakesOf, withRoutes } from '../test/load-text.js';
import { loadUnexamined } from './load.js';
import { encryptSecret } from './secrets/cipher.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../test/fixtures/${name}.yaml`, import.meta.url));
const SECRETS = { OIDC_SECRET: 'a', HOOK_SECRET: 'b', PD_KEY: 'c', LLM_KEY: 'd' };
const directory = mkdtempSync(join(tmpdir(), 'aegis-load-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('a file with many mistakes', () => {
  const result = loadUnexamined({ file: fixture('mistakes'), env: {} }).result;

  it('has every one of them named at its place', () => {
    const places = result.ok ? [] : result.mistakes.map(({ line, column, path }) => `${line}:${column} ${path}`);
    expect(places).toEqual([
      '2:9 gateway.port',
      '4:13 gateway.limits.bdy',
      '5:20 gateway.trustedProxies[0]',
      '8:24 gateway.upstreams[0].targets[0].url',
      '9:26 gateway.upstreams[0].breaker.window',
      '10:13 gateway.upstreams[1].name',
      '11:16 gateway.upstreams[1].targets',
      '14:7 gateway.routes[0].upsteam',
      '15:16 gateway.routes[0].timeout',
      '16:13 gateway.routes[1].path',
      '17:17 gateway.routes[1].upstream',
      '18:22 gateway.routes[2].path.regex',
      '20:7 gateway.routes[2].redirect',
      '23:17 gateway.routes[3].methods[0]',
      '24:41 gateway.routes[3].request.headers.set.X-A',
      '25:24 gateway.routes[3].rewrite.path',
      '28:7 gateway.routes[4].upstream',
      '29:1 ratelimiting',
      '30:16 ml.retrain',
      '30:51 ml.thresholds.throttle',
      '32:8 redis.url',
      '33:3 redis.sentinels',
      '33:15 redis.sentinels[0]',
    ]);
  });

  it('is told what is allowed and what was probably meant', () => {
    const hints = result.ok ? [] : result.mistakes.flatMap(({ hint }) => hint ?? []);
    expect(hints).toEqual(
      expect.arrayContaining([
        'did you mean body?',
        'did you mean upstream?',
        'did you mean users?',
        'did you mean rateLimiting?',
      ]),
    );
    expect(result).toMatchObject({
      mistakes: expect.arrayContaining([
        expect.objectContaining({
          path: 'gateway.upstreams[0].breaker.window',
          allowed: expect.stringContaining('10s'),
        }),
      ]),
    });
  });
});

describe('a file that was damaged anywhere', () => {
  const lines = readFileSync(fixture('everything'), 'utf8').split('\n');
  const junk = fc.oneof(
    fc.constantFrom(
      '',
      '~',
      '[]',
      '{}',
      'off',
      '-1',
      '[[]]',
      '{ a: b }',
      '"',
      '*x',
      '<<: 1',
      '${',
      '${X}',
      '\t',
      '- - -',
      '"\\ud800"',
    ),
    fc.string({ maxLength: 8 }),
  );

  it('is accepted or refused at places that exist, and nothing is thrown', () => {
    const damage = fc.array(fc.tuple(fc.nat(lines.length - 1), fc.double({ min: 0, max: 1, noNaN: true }), junk), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(damage, (places) => {
        const copy = [...lines];
        for (const [line, where, what] of places) {
          const text = copy[line] ?? '';
          const at = Math.floor(where * text.length);
          // What follows a colon is the most interesting to replace.
          const colon = text.indexOf(': ', at);
          copy[line] = colon === -1 ? text.slice(0, at) + what : `${text.slice(0, colon + 2)}${what}`;
        }
        const result = loadText(copy.join('\n'), SECRETS);
        for (const { line, column, message } of result.ok ? [] : result.mistakes) {
          expect(message).not.toBe('');
          if (line !== null)
            expect(column).toBeLessThanOrEqual((copy.join('\n').split('\n')[line - 1] ?? '').length + 1);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['does not exist', join(directory, 'absent.yaml'), 'does not exist'],
    ['is a directory', directory, 'is a directory'],
  ])('because it %s is refused with one line that says what to do', (_, file, message) => {
    const result = loadUnexamined({ file, env: {} }).result;
    expect(result).toMatchObject({
      ok: false,
      mistakes: [{ message: `${file} ${message}`, hint: expect.stringContaining('--config'), line: null }],
    });
  });

  it('because of its permissions is refused, except for root, whom nothing stops', () => {
    const file = join(directory, 'locked.yaml');
    writeFileSync(file, withRoutes('- { path: /a, respond: {} }'));
    chmodSync(file, 0o000);
    const result = loadUnexamined({ file, env: {} }).result;
    if (process.getuid?.() === 0) expect(result.ok).toBe(true);
    else expect(result).toMatchObject({ mistakes: [{ message: expect.stringContaining('may not be read') }] });
  });
});

describe('a secret', () => {
  const plain = withRoutes('- { path: /a, respond: {} }');

  it('that is encrypted is decrypted with AEGIS_SECRET_KEY', () => {
    const text = `${plain}redis: { url: { encrypted: "${encryptSecret('redis://:pw@h', 'my passphrase')}" } }\n`;
    expect(accepted(text, { AEGIS_SECRET_KEY: 'my passphrase' }).config.redis.url?.reveal()).toBe('redis://:pw@h');
    expect(mistakesOf(text, { AEGIS_SECRET_KEY: 'other passphrase' })).toEqual([
      expect.stringContaining('AEGIS_SECRET_KEY is another one'),
    ]);
    expect(mistakesOf(text)).toEqual([
      '4:28 redis.url.encrypted: AEGIS_SECRET_KEY is not set, and without it this cannot be decrypted',
    ]);
  });

  it('whose file is missing or a directory is a mistake that names it', () => {
    mkdirSync(join(directory, 'sub'), { recursive: true });
    const text = (file: string): string => `${plain}redis: { url: { file: ${file} } }\n`;
    expect(mistakesOf(text('/nowhere/secret'))).toEqual([
      '4:23 redis.url.file: the file /nowhere/secret does not exist',
    ]);
    expect(mistakesOf(text(join(directory, 'sub')))).toEqual([expect.stringContaining('is a directory')]);
  });

  it('has one kind, and its kinds are known', () => {
    expect(mistakesOf(`${plain}redis: { url: { flie: x } }\n`)).toEqual(['4:17 redis.url.flie: unknown key "flie"']);
    expect(mistakesOf(`${plain}redis: { url: { file: x, encrypted: y } }\n`)).toEqual([
      '4:15 redis.url: exactly one of file and encrypted is needed',
    ]);
  });

  it('never shows in a mistake about it or about its neighbour on the line', () => {
    const texts = [
      `${plain}redis: { url: "http://user:hunter2@host" }\n`,
      `${plain}redis: { url: "redis://user:hunter2@host", keyPrefx: x }\n`,
      `${plain}auth: { oauth2: { issuer: https://a.b, clientId: c, clientSecret: hunter2, introspection: perhaps } }\n`,
      `${plain}auth: { oauth2: { issuer: https://a.b, clientId: c, clientSecrt: hunter2 } }\n`,
      `${plain}auth: { jwt: { secrets: [hunter2] } }\n`,
      withRoutes('- { path: /a, respond: {}, request: { headers: { set: { x-token: "hunter2\\n" } } } }'),
      `${plain}ml: { endpoint: "http://me:hunter2@ml" }\n`,
    ];
    for (const text of texts) {
      const result = loadText(text);
      expect(result.ok).toBe(false);
      expect(JSON.stringify(result)).not.toContain('hunter2');
    }
  });
});

describe('the hash of the content', () => {
  const text = withRoutes(
    '- { path: /a, upstream: "http://127.0.0.1:1", timeout: 60s }',
    'redis: { url: "redis://:one@h" }\n',
  );
  const { hash } = accepted(text);

  it('is the same however it is written', () => {
    const other = `# another\nredis:\n  url: redis://:one@h\n${withRoutes('- timeout: 1m\n  upstream: "http://127.0.0.1:1/"\n  path: { prefix: /a }')}`;
    expect(accepted(other).hash).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is another when a setting or a secret is another', () => {
    expect(accepted(text.replace('60s', '61s')).hash).not.toBe(hash);
    expect(accepted(text.replace(':one@', ':two@')).hash).not.toBe(hash);
  });

  it('is another when a consumer, its secret or the order of consumers is another', () => {
    const withConsumers = (...consumers: string[]): string =>
      accepted(`${text}auth: { consumers: [${consumers.join(', ')}] }\n`).hash;
    const [one, other] = [
      '{ name: one, hmac: { keyId: k, secret: 0123456789abcdef0123456789abcdef } }',
      '{ name: two }',
    ];
    const before = withConsumers(one, other);
    expect(withConsumers(one, other)).toBe(before);
    const changed = [
      [one.replace('abcdef }', 'abcdee }'), other],
      [one, '{ name: two, plan: gold }'],
      [other, one],
      [one],
    ];
    const hashes = changed.map((consumers) => withConsumers(...consumers));
    expect(new Set([before, ...hashes]).size).toBe(changed.length + 1);
  });
});
