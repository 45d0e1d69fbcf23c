import { print, printJson } from '../terminal.js';
import { VERSION } from '../version.js';

export interface VersionOptions {
  readonly json?: boolean;
}

export function version({ json }: VersionOptions): void {
  const { version: node, platform, arch } = process;
  if (json === true) printJson({ version: VERSION, node, platform, arch });
  else print(`aegis ${VERSION} (Node ${node.replace(/^v/, '')}, ${platform} ${arch})`);
}
