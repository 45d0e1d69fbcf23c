// `npm run generate` writes every generated file. `npm run generated` names those that are stale, and changes nothing.
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { buildWhenStale } from './build-when-stale.mjs';

await buildWhenStale();
// Only now: what they import is in the build.
const { configurationReference, configurationSchema } = await import('#config');
const { errorReference } = await import('./error-reference.mjs');
const { clientTypes, openApi } = await import('./openapi.mjs');

const api = JSON.parse(JSON.stringify(openApi()));

const outputs = [
  ['config/aegis.schema.json', await formatted('config/aegis.schema.json', JSON.stringify(configurationSchema()))],
  ['docs/configuration.md', await formatted('docs/configuration.md', configurationReference())],
  ['docs/openapi.json', await formatted('docs/openapi.json', JSON.stringify(api))],
  ['libs/admin-client/src/api.ts', await formatted('libs/admin-client/src/api.ts', clientTypes(api))],
  // Not formatted: with its columns made even, one new code would change every line of the table.
  ['docs/errors.md', errorReference()],
];

const stale = [];
for (const [name, text] of outputs) {
  const file = new URL(`../${name}`, import.meta.url);
  if ((await readFile(file, 'utf8').catch(() => undefined)) !== text) stale.push([name, file, text]);
}

if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`${name} is stale`);
  if (stale.length > 0) {
    console.error('Run `npm run generate` and commit what it writes.');
    process.exitCode = 1;
  }
} else {
  for (const [name, file, text] of stale) {
    await writeFile(file, text);
    console.log(`wrote ${name}`);
  }
}

async function formatted(name, content) {
  return format(content, { ...(await resolveConfig(new URL(`../${name}`, import.meta.url))), filepath: name });
}
