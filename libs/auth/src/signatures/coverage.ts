import { bodyFollows, type Exchange } from '#kernel';
import { type ReceivedSignature } from './received-signature.js';

/** What a configured entry asks a signature to cover. */
type Demand = (signature: ReceivedSignature, covered: ReadonlySet<string>, exchange: Exchange) => boolean;

const TARGET: Demand = (_, covered, { query }) => {
  if (!covered.has('@method')) return false;
  if (covered.has('@target-uri') || covered.has('@request-target')) return true;
  return covered.has('@path') && (query === '' || covered.has('@query'));
};

/**
 * The names of the drafts that came before RFC 9421, with what stands for them now. Where a request has no body, there is
 * no digest to ask for.
 */
const DEMANDS: Readonly<Record<string, Demand>> = {
  date: ({ created }, covered) => created !== null || covered.has('date'),
  '(created)': ({ created }) => created !== null,
  '(expires)': ({ expires }) => expires !== null,
  '(request-target)': TARGET,
  digest: (_, covered, { req }) => covered.has('content-digest') || !bodyFollows(req),
  'content-digest': (_, covered, { req }) => covered.has('content-digest') || !bodyFollows(req),
  host: (_, covered) => covered.has('host') || covered.has('@authority') || covered.has('@target-uri'),
};

/** What a signature has to cover here. */
export class Coverage {
  private readonly demands: readonly (readonly [string, Demand])[];

  constructor(names: readonly string[]) {
    this.demands = names.map((each) => {
      const name = each.toLowerCase();
      return [name, DEMANDS[name] ?? ((_, covered) => covered.has(name))];
    });
  }

  /** The first entry that it does not satisfy; null: none. A component with parameters is only part of what its name says. */
  missing(signature: ReceivedSignature, exchange: Exchange): string | null {
    const covered = new Set<string>();
    for (const [name, parameters] of signature.components) {
      if (typeof name === 'string' && (parameters.size === 0 || parameters.has('bs'))) covered.add(name);
    }
    return this.demands.find(([, met]) => !met(signature, covered, exchange))?.[0] ?? null;
  }
}
