import { decryptSecret, encryptSecret, storageKey } from '../secrets/cipher.js';
import { type Entity } from './kinds.js';
import { readEntity } from './read.js';

type Spec = Entity['spec'];

/**
 * What is secret about entities, encrypted where they are stored: in the database, in its history, and in what is kept on
 * disk. Without a key it is stored as it is. What cannot be opened stays sealed, and is then no entity that can be served.
 */
export class Seal {
  private readonly key: string | null;

  /** `secretKey`: as `AEGIS_SECRET_KEY` has it. */
  constructor(secretKey: string | undefined) {
    this.key = secretKey === undefined || secretKey === '' ? null : storageKey(secretKey);
  }

  seal(entity: Entity): Spec {
    const { key } = this;
    if (key === null) return entity.spec;
    const { secrets } = readEntity(entity);
    if (secrets.size === 0) return entity.spec;
    const sealed = (text: string): unknown => (secrets.has(text) ? { encrypted: encryptSecret(text, key) } : text);
    return mapped(entity.spec, sealed) as Spec;
  }

  open(spec: Spec): Spec {
    const { key } = this;
    return key === null ? spec : (opened(spec, key) as Spec);
  }
}

function mapped(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((child) => mapped(child, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, mapped(child, change)]));
}

/** The same value where nothing in it was sealed. */
function opened(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const children = value.map((child) => opened(child, key));
    return children.some((child, index) => child !== value[index]) ? children : value;
  }
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === 'encrypted' && typeof first[1] === 'string') {
    const found = decryptSecret(first[1], key);
    return 'text' in found ? found.text : value;
  }
  const children = entries.map(([name, child]) => [name, opened(child, key)] as const);
  return children.some(([, child], index) => child !== entries[index]?.[1]) ? Object.fromEntries(children) : value;
}
