import { createHash } from 'node:crypto';
import { type RouteAccess } from '#auth';
import { type RouteConfig } from '#config';
import { FieldNames } from '../transform/field-names.js';
import { compileQuery } from '../transform/query.js';
import { type RouteTerms } from './terms.js';

/** What a route says about its cache, compiled. */
export interface RouteCache extends RouteTerms {
  /** Routes that say the same share answers, across reloads and instances; one that was changed finds none of the old. */
  readonly fingerprint: string;
  readonly keeps: ReadonlySet<string>;
  /** Sorted. */
  readonly vary: readonly string[];
  readonly maxBody: number;
  readonly hidesParameter: ((query: string) => string) | null;
  /** What of a client's request does not go upstream when Aegis asks on conditions of its own. */
  readonly hides: {
    readonly anonymous: FieldNames;
    readonly known: FieldNames;
    /** In place of `known`, where this stands in `Authorization`. */
    readonly authorization: { readonly where: RegExp; readonly fields: FieldNames } | null;
  };
}

const CONDITIONS = ['if-none-match', 'if-modified-since'];

export function compileCache(config: RouteConfig, { hidden }: Pick<RouteAccess, 'hidden'>): RouteCache | null {
  const { cache } = config;
  if (cache === null || config.upstreams.length === 0) return null;
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(config)).digest('base64url').slice(0, 22),
    ttl: cache.ttl,
    staleWhileRevalidate: cache.staleWhileRevalidate,
    keeps: new Set(cache.methods),
    vary: [...new Set(cache.vary)].sort(),
    maxBody: cache.maxBody,
    hidesParameter: hidden.parameter === null ? null : compileQuery({ set: {}, remove: [hidden.parameter] }),
    hides: {
      anonymous: new FieldNames(CONDITIONS),
      known: new FieldNames([...hidden.fields, ...CONDITIONS]),
      authorization: hidden.authorization && {
        where: hidden.authorization,
        fields: new FieldNames([...hidden.fields, 'authorization', ...CONDITIONS]),
      },
    },
  };
}
