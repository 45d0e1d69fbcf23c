import { ask, type LiveOptions } from '../live-gateway.js';
import { print, printJson } from '../terminal.js';

export interface ReloadOptions extends LiveOptions {
  readonly json?: boolean;
}

export async function reload(options: ReloadOptions): Promise<void> {
  const served = await ask(options, 'POST /_aegis/reload');
  if (options.json === true) printJson(served);
  else print(`Configuration ${served.version} is served.`);
}
