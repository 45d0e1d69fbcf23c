// TypeORM's command line on our data source, for instance: npm run typeorm -- migration:show
// Node 20 does not read TypeScript, so this file is also the module hook that lets it load ormconfig.ts.
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** Called by Node on the thread of the hooks. */
export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context);
  const { transform } = await import('@swc/core');
  const { code } = await transform(await readFile(fileURLToPath(url), 'utf8'), {
    configFile: false,
    swcrc: false,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}

if (isMainThread) {
  const { buildWhenStale } = await import('./build-when-stale.mjs');
  await buildWhenStale();
  register(import.meta.url);
  const needsDataSource = /^(migration:(run|show|revert|generate)|schema:|query$|cache:)/.test(process.argv[2] ?? '');
  if (needsDataSource) process.argv.push('-d', fileURLToPath(new URL('../ormconfig.ts', import.meta.url)));
  await import('typeorm/cli.js');
}
