import { parseArgs } from 'node:util';
import { BootError } from './boot-error.js';

export interface GatewayArguments {
  readonly config: string;
  readonly dataDir: string;
}

export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): GatewayArguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { config: { type: 'string', short: 'c' }, 'data-dir': { type: 'string' } },
    });
    return {
      config: values.config ?? env['AEGIS_CONFIG'] ?? 'config/aegis.config.yaml',
      dataDir: values['data-dir'] ?? env['AEGIS_DATA_DIR'] ?? 'data',
    };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    throw new BootError(`${message}. Known options: --config FILE, --data-dir DIR.`);
  }
}
