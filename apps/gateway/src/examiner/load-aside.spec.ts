import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig, maskedConfig, type RefusedConfig } from '#config';
import { scratchFolder } from '#testing';
import { loadAside } from './load-aside.js';

const SLOW = 60_000;
const folder = scratchFolder('load-aside');
const options = { file: join(folder, 'aegis.yaml'), dataDir: folder, env: { UP: 'http://127.0.0.1:1' } };

function write(routes: string, rest = ''): void {
  writeFileSync(join(folder, 'hidden'), 'in-a-file-and-read-there-0123456789abc');
  writeFileSync(options.file, `gateway:\n  routes:\n${routes}${rest}`);
}

const ROUTES = Array.from({ length: 300 }, (_, i) => `    - { name: r${i}, path: /r${i}, upstream: "\${UP}" }\n`).join(
  '',
);
const SECRET = 'auth: { jwt: { secrets: [{ file: ./hidden }] } }\n';

describe('a large file', () => {
  it(
    'is read on a thread as it would be here, secrets and warnings too, and others have their turns',
    async () => {
      write(ROUTES, `${SECRET}redis: { master: a }\n`);
      const here = await loadConfig(options);
      let turns = 0;
      let isDone = false;
      const turn = (): void => {
        turns++;
        if (!isDone) setImmediate(turn);
      };
      setImmediate(turn);
      const aside = await loadAside(options, 0);
      isDone = true;
      expect(turns).toBeGreaterThan(20);
      if (!here.ok || !aside.ok) throw new Error('it is right');
      expect([aside.hash, aside.warnings, aside.files]).toEqual([here.hash, here.warnings, here.files]);
      expect(maskedConfig(aside.config)).toEqual(maskedConfig(here.config));
      expect(aside.config).toEqual(here.config);
      expect(Object.isFrozen(aside.config.gateway.routes[0])).toBe(true);
      const secret = aside.config.auth.jwt?.secrets[0];
      expect([secret?.reveal(), secret?.reference]).toEqual([
        'in-a-file-and-read-there-0123456789abc',
        { file: './hidden' },
      ]);
    },
    SLOW,
  );

  it(
    'that is wrong is told with every mistake and its line',
    async () => {
      write(
        `${ROUTES}    - { path: { regex: "^/(a+)+$" }, upstream: "http://a:1" }\n    - { path: x, upstream: "http://a:1" }\n`,
      );
      const [here, aside] = [await loadConfig(options), await loadAside(options, 0)];
      expect(aside).toEqual(here);
      expect((aside as RefusedConfig).mistakes.map(({ line }) => line)).toEqual([303, 304]);
    },
    SLOW,
  );

  it(
    'with an expression that a client could stop the gateway with is refused',
    async () => {
      write(`${ROUTES}    - { path: { regex: "^/(b+)+$" }, upstream: "http://a:1" }\n`);
      const aside = await loadAside(options, 0);
      expect((aside as RefusedConfig).mistakes).toMatchObject([{ line: 303 }]);
    },
    SLOW,
  );

  it('that is gone is told as such', async () => {
    const gone = { ...options, file: join(folder, 'nowhere.yaml') };
    expect(await loadAside(gone, -1)).toEqual(await loadConfig(gone));
  });
});
