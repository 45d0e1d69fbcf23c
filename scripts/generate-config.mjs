// Writes what is generated from the schema of the configuration; with --check, says what is stale and changes nothing.
import { readFile, writeFile } from 'node:fs/promises';
import { configurationReference, configurationSchema } from '#config';
import { format, resolveConfig } from 'prettier';

const check = process.argv.includes('--check');
const outputs = [
  ['docs/configuration.md', configurationReference()],
  ['config/aegis.schema.json', JSON.stringify(configurationSchema())],
];

let stale = 0;
for (const [name, content] of outputs) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = await format(content, { ...(await resolveConfig(file)), filepath: name });
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before === text) continue;
  stale++;
  if (check) console.error(`${name} is stale: run node scripts/generate-config.mjs and commit it`);
  else await writeFile(file, text);
}
if (check && stale > 0) process.exitCode = 1;
