import { MASK } from '#kernel';
import { type InputNode, type MapNode } from '../input/node.js';
import { isMask, MASK_LEFT, Secret, type SecretReference } from '../secrets/secret.js';
import { nearest } from './nearest.js';
import { found } from './scalars.js';
import { type JsonSchema, type Place, Schema, type Writing } from './schema.js';

interface SecretOptions {
  readonly words?: string;
  /** What is wrong with the secret itself, said without showing it. */
  readonly check?: (secret: string) => string | undefined;
  /** What of it may be seen. */
  readonly shown?: (secret: string) => string;
}

const KINDS = ['file', 'encrypted'] as const;

class SecretSchema extends Schema<Secret> {
  readonly blank = new Secret('');
  readonly words: string;

  constructor(private readonly options: SecretOptions) {
    super();
    this.words = options.words ?? 'secret';
  }

  read(node: InputNode, place: Place): Secret {
    if (node.kind === 'map') return this.fromMap(node, place);
    if (node.kind === 'list' || node.value === null) {
      place.wrong(`${found(node)} is not a ${this.words}`, { allowed: this.allowed });
      return this.blank;
    }
    return this.checked(typeof node.value === 'string' ? node.value : node.source, null, place);
  }

  private get allowed(): string {
    return `a ${this.words}: text, { file: … } or { encrypted: … }`;
  }

  private fromMap(node: MapNode, place: Place): Secret {
    const [first, ...others] = node.entries;
    for (const [key, entry] of node.entries) {
      if (KINDS.some((kind) => kind === key)) continue;
      const near = nearest(key, KINDS);
      place.down(key, entry.key).wrong(`unknown key ${JSON.stringify(key)}`, {
        stray: true,
        allowed: this.allowed,
        ...(near !== undefined && { hint: `did you mean ${near}?` }),
      });
      return this.blank;
    }
    if (first === undefined || others.length > 0) {
      place.wrong('exactly one of file and encrypted is needed', { allowed: this.allowed });
      return this.blank;
    }
    const [kind, { value }] = first;
    const at = place.down(kind, value.origin);
    if (value.kind !== 'scalar' || value.value === null) {
      at.wrong(`${found(value)} is not text`, { allowed: this.allowed });
      return this.blank;
    }
    const source = place.reading.secrets;
    const got = kind === 'file' ? source.file(value.source) : source.decrypt(value.source);
    if ('problem' in got) {
      at.wrong(got.problem);
      return this.blank;
    }
    return this.checked(got.text, kind === 'file' ? { file: value.source } : { encrypted: value.source }, at);
  }

  private checked(secret: string, reference: SecretReference | null, place: Place): Secret {
    if (isMask(secret)) {
      if (place.reading.takesMasks !== true) place.wrong(MASK_LEFT);
      return new Secret(secret, secret);
    }
    place.reading.revealed.add(secret);
    const problem = secret === '' ? 'it is empty' : this.options.check?.(secret);
    if (problem === undefined) return new Secret(secret, this.options.shown?.(secret), reference);
    place.wrong(`the ${this.words} does not fit: ${problem}`);
    return this.blank;
  }

  write(value: Secret, writing: Writing): unknown {
    return writing.secret(value);
  }

  json(): JsonSchema {
    const reference = (kind: string): JsonSchema => ({
      type: 'object',
      properties: { [kind]: { type: 'string' } },
      required: [kind],
      additionalProperties: false,
    });
    return { anyOf: [{ type: ['string', 'number'] }, ...KINDS.map(reference)] };
  }

  override child(key: string): Schema<unknown> | undefined {
    return KINDS.some((kind) => kind === key) ? this : undefined;
  }

  override get keys(): readonly string[] {
    return KINDS;
  }
}

export function secret(options: SecretOptions = {}): Schema<Secret> {
  return new SecretSchema(options);
}

/** A URL that may carry a password or a token. */
export function secretUrl(...protocols: readonly string[]): Schema<Secret> {
  return secret({
    words: 'URL',
    check: (value) => {
      if (!URL.canParse(value)) return 'it is not a URL (write @, :, / and % in a password percent-encoded)';
      if (protocols.includes(new URL(value).protocol)) return undefined;
      return `it must begin with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
    },
    shown: withoutPassword,
  });
}

function withoutPassword(value: string): string {
  const url = new URL(value);
  if (url.password === '') return value;
  url.password = MASK;
  return url.href;
}
