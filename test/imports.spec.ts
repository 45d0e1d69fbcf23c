import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { scratchFolder } from '#testing';

/** Runs the import rules on a small house of these files. */
function check(files: Readonly<Record<string, string>>): { ok: boolean; said: string } {
  const house = scratchFolder('imports');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    writeFileSync(join(house, file), text);
  }
  for (const file of ['.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
    copyFileSync(file, join(house, file));
  symlinkSync(resolve('node_modules'), join(house, 'node_modules'));
  const cruise = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { status, stdout } = spawnSync(
    process.execPath,
    [cruise, '--config', '.dependency-cruiser.mjs', 'libs', 'apps'],
    {
      cwd: house,
      encoding: 'utf8',
    },
  );
  return { ok: status === 0, said: stdout };
}

const BASE = {
  'libs/kernel/src/index.ts': 'export const a = 1;\n',
  'libs/gateway/src/index.ts': "export { a } from '#kernel';\n",
  'libs/gateway/src/inner.ts': 'export const inner = 1;\n',
  'libs/storage/src/index.ts': "export { a } from '#kernel';\n",
  'apps/gateway/src/main.ts': "export { a } from '#gateway';\n",
  'apps/cli/src/main.ts': "export { a } from '#gateway';\n",
};

describe('the import rules', () => {
  it('let the house stand as it is drawn', () => {
    expect(check(BASE)).toMatchObject({ ok: true });
  });

  it.each([
    ['kernel-and-ml-stand-alone', 'libs/kernel/src/index.ts', "export { a } from '#storage';\n"],
    ['kernel-and-ml-stand-alone', 'libs/kernel/src/index.ts', "export * from 'rxjs';\n"],
    ['enter-a-lib-by-its-index', 'apps/gateway/src/main.ts', "export * from '../../../libs/gateway/src/inner.js';\n"],
    ['no-app-imports-an-app', 'apps/cli/src/main.ts', "export * from '../../gateway/src/main.js';\n"],
    ['no-lib-imports-an-app', 'libs/gateway/src/index.ts', "export * from '../../../apps/cli/src/main.js';\n"],
    ['policies-do-not-know-the-gateway', 'libs/storage/src/index.ts', "export { a } from '#gateway';\n"],
    ['no-circles', 'libs/gateway/src/inner.ts', "export { a as inner } from './index.js';\n"],
  ])('fail with %s when a forbidden import is added', (rule, file, text) => {
    const extra = rule === 'no-circles' ? { 'libs/gateway/src/index.ts': "export * from './inner.js';\n" } : {};
    const { ok, said } = check({ ...BASE, ...extra, [file]: text });
    expect(said).toContain(rule);
    expect(ok).toBe(false);
  });
});
