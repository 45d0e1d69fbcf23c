import { type Config } from '../compile/config.js';
import { type Secret } from '../secrets/secret.js';
import { type Entity, type EntityKind, KINDS } from './kinds.js';

/** The entities of a configuration, as they could stand in a file. Default: what is secret about them is masked. */
export function entitiesOf(kind: EntityKind, config: Config, secrets: 'masked' | 'revealed' = 'masked'): Entity[] {
  const secret = (each: Secret): string => (secrets === 'masked' ? each.toString() : each.reveal());
  return namedValues(kind, config).map(([name, value]) => {
    const written = KINDS[kind].schema.write(value, { terse: true, secret });
    const { name: _, ...spec } = written as Record<string, unknown>;
    return { kind, name, spec };
  });
}

/** As they are declared, with the names that were derived for those that have none. */
export function namedValues(kind: EntityKind, { declared, gateway, rateLimiting }: Config): [string, unknown][] {
  const settled: readonly { readonly name: string }[] =
    kind === 'routes' ? gateway.routes : kind === 'rate-limit-rules' ? rateLimiting.rules : [];
  return KINDS[kind].of(declared).map(([name, value], index) => [name ?? settled[index]?.name ?? '', value]);
}
