import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT } from '../exit.js';
import { type ConfigOptions } from '../config-file.js';

/** No app imports another, so the gateway is found where it was built and not by a name. */
const GATEWAY = new URL('../../../gateway/src/main.js', import.meta.url);

/** Becomes the gateway: same process, same signals, same output. */
export async function start({ config, dataDir }: ConfigOptions): Promise<void> {
  if (!existsSync(GATEWAY)) throw new CliError(EXIT.no, 'The gateway is not built: run `npm run build` first.');
  const options = [...(config ? ['--config', config] : []), ...(dataDir ? ['--data-dir', dataDir] : [])];
  process.argv = [process.argv[0] ?? 'node', fileURLToPath(GATEWAY), ...options];
  await import(GATEWAY.href);
}
