import { createPublicKey } from 'node:crypto';
import { type InputNode, isNothing } from '../input/node.js';
import { filePath } from './values.js';
import { type JsonSchema, type Place, Schema } from '../schema/schema.js';

/** Verified to be one when it is read; `text` is PEM, or a JWK as JSON. */
export interface PublicKey {
  readonly text: string;
  /** The file that it came from. */
  readonly file: string | null;
}

function plain(node: InputNode): unknown {
  if (node.kind === 'list') return node.items.map(plain);
  if (node.kind === 'scalar') return node.value;
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
}

function problemOf(text: string): string | undefined {
  try {
    if (text.trimStart().startsWith('{')) createPublicKey({ key: JSON.parse(text) as JsonWebKeyInput, format: 'jwk' });
    else createPublicKey(text);
    return text.includes('PRIVATE KEY') || /"d"\s*:/.test(text)
      ? 'it is a private key; give the public one'
      : undefined;
  } catch {
    return 'it is neither a PEM public key, a certificate nor a JWK';
  }
}
type JsonWebKeyInput = Extract<Parameters<typeof createPublicKey>[0], { format: 'jwk' }>['key'];

class PublicKeySchema extends Schema<PublicKey> {
  readonly blank: PublicKey = { text: '', file: null };
  readonly words = 'public key';

  read(node: InputNode, place: Place): PublicKey {
    const file = node.kind === 'map' ? node.entries.get('file')?.value : undefined;
    if (node.kind === 'list' || isNothing(node)) {
      place.wrong('it is not a public key', { allowed: 'PEM text, a JWK, or { file: … }' });
      return this.blank;
    }
    if (file?.kind === 'scalar') {
      const got = place.reading.secrets.file(file.source);
      if ('text' in got) return this.checked(got.text, file.source, place);
      place.down('file', file.origin).wrong(got.problem);
      return this.blank;
    }
    return this.checked(node.kind === 'scalar' ? node.source : JSON.stringify(plain(node)), null, place);
  }

  private checked(text: string, file: string | null, place: Place): PublicKey {
    const problem = problemOf(text);
    if (problem === undefined) return { text, file };
    place.wrong(problem, { allowed: 'PEM text, a JWK, or { file: … }' });
    return this.blank;
  }

  write(value: PublicKey): unknown {
    return value.file === null ? value.text : { file: value.file };
  }

  json(): JsonSchema {
    return { type: ['string', 'object'] };
  }

  override child(key: string): Schema<unknown> | undefined {
    return key === 'file' ? filePath : undefined;
  }

  override get keys(): readonly string[] {
    return ['file'];
  }
}

export const publicKey: Schema<PublicKey> = new PublicKeySchema();
