import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { type ConfigOptions } from '../config-file.js';

/** No app imports another: the gateway is found where it was built, beside this. */
const GATEWAY = createRequire(import.meta.url).resolve('#gateway-program');

/** Becomes the gateway: same process, same signals, same output. */
export async function start({ config, dataDir }: ConfigOptions): Promise<void> {
  const options = [...(config ? ['--config', config] : []), ...(dataDir ? ['--data-dir', dataDir] : [])];
  process.argv = [process.argv[0] ?? 'node', GATEWAY, ...options];
  await import(pathToFileURL(GATEWAY).href);
}
