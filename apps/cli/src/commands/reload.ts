import { ask, type LiveOptions } from '../live-gateway.js';
import { print } from '../terminal.js';

export async function reload(options: LiveOptions): Promise<void> {
  const { version } = await ask(options, 'POST /_aegis/reload');
  print(`Configuration ${version} is served.`);
}
