import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { decryptSecret } from './secrets/cipher.js';
import { type SecretSource } from './secrets/secret-source.js';
import { type Environment } from './input/substitute.js';

const LARGEST = 1024 ** 2;

export interface Places {
  /** The configuration file. */
  readonly file: string;
  readonly cwd: string;
  /** Where `./data` is. */
  readonly dataDir: string;
}

/**
 * What configuration names on this machine. Certificates and secrets stand beside the file that names them; what Aegis
 * writes is relative to where it runs, and what lies below `./data` follows the data directory.
 */
export class Files implements SecretSource {
  /** Secrets that were read, absolute: a change of one is a change of the configuration. */
  readonly read = new Set<string>();
  /** The configuration file, absolute. */
  readonly config: string;

  constructor(
    private readonly places: Places,
    private readonly env: Environment,
  ) {
    this.config = resolve(places.cwd, places.file);
  }

  beside(path: string): string {
    return path === '' ? '' : resolve(dirname(this.config), path);
  }

  data(path: string): string {
    const { cwd, dataDir } = this.places;
    if (isAbsolute(path)) return path;
    const below = relative('data', path);
    const inside = below !== '..' && !below.startsWith(`..${sep}`);
    return inside ? join(resolve(cwd, dataDir), below) : resolve(cwd, path);
  }

  missing(path: string): boolean {
    return path !== '' && !existsSync(path);
  }

  file(path: string): { readonly text: string } | { readonly problem: string } {
    const absolute = this.beside(path);
    this.read.add(absolute);
    try {
      if (statSync(absolute).size > LARGEST) return { problem: `the file ${absolute} is too large for a secret` };
      return { text: readFileSync(absolute, 'utf8').replace(/\r?\n$/, '') };
    } catch (error) {
      return { problem: `the file ${absolute} ${unreadable(error)}` };
    }
  }

  decrypt(encrypted: string): { readonly text: string } | { readonly problem: string } {
    return decryptSecret(encrypted, this.env['AEGIS_SECRET_KEY']);
  }
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Why a file cannot be read, in words. */
export function unreadable(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user';
  if (code === 'EISDIR') return 'is a directory';
  return `cannot be read (${typeof code === 'string' ? code : String(error)})`;
}
