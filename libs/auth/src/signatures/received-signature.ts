import { type Item, isInnerList, parseDictionary, serializeInnerList, type InnerList } from 'structured-headers';

const LONGEST = 8192;
const MOST_SIGNATURES = 8;
const MOST_COMPONENTS = 64;

/** One signature of a request, as RFC 9421 writes it into `Signature-Input` and `Signature`. */
export interface ReceivedSignature {
  readonly keyId: string;
  /** What it covers, in its order: a name and its parameters. */
  readonly components: readonly Item[];
  /** The last line of what was signed says this. */
  readonly parameters: string;
  /** Seconds since the epoch, where it says. */
  readonly created: number | null;
  readonly expires: number | null;
  readonly nonce: string | null;
  readonly alg: string | null;
  readonly bytes: Buffer;
}

/** Empty: there is none that can be read. What is ambiguous or out of bounds makes all of them unreadable. */
export function receivedSignatures(input: string, signature: string): readonly ReceivedSignature[] {
  if (input.length > LONGEST || signature.length > LONGEST) return [];
  try {
    const inputs = parseDictionary(input);
    const signatures = parseDictionary(signature);
    if (inputs.size > MOST_SIGNATURES) return [];
    return [...inputs].map(([label, member]) => {
      const value = signatures.get(label);
      if (value === undefined || !isInnerList(member) || isInnerList(value)) throw new TypeError(label);
      return read(member, value);
    });
  } catch {
    return [];
  }
}

function read(member: InnerList, [bytes]: Item): ReceivedSignature {
  const [components, parameters] = member;
  if (!(bytes instanceof ArrayBuffer) || components.length > MOST_COMPONENTS) throw new TypeError('signature');
  return {
    keyId: textOf(parameters.get('keyid')) ?? '',
    components,
    parameters: serializeInnerList(member),
    created: secondsOf(parameters.get('created')),
    expires: secondsOf(parameters.get('expires')),
    nonce: textOf(parameters.get('nonce')),
    alg: textOf(parameters.get('alg')),
    bytes: Buffer.from(bytes),
  };
}

function textOf(value: unknown): string | null {
  if (value !== undefined && typeof value !== 'string') throw new TypeError('a text is expected');
  return value ?? null;
}

function secondsOf(value: unknown): number | null {
  if (value !== undefined && !(typeof value === 'number' && Number.isSafeInteger(value))) {
    throw new TypeError('a time is expected');
  }
  return value ?? null;
}
