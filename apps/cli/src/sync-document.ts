import { type Entity } from '#config';

/** Entities in the shape of a configuration file. */
export function documentOf(entities: readonly Entity[]): object {
  const of = (kind: Entity['kind']): Entity[] => entities.filter((entity) => entity.kind === kind);
  const listed = (kind: Entity['kind']): object[] => of(kind).map(({ name, spec }) => ({ name, ...spec }));
  const addresses = (which: 'allow' | 'deny'): unknown[] => [
    ...new Set(of('ip-rules').flatMap(({ spec }) => spec[which] ?? [])),
  ];
  return {
    gateway: {
      ip: { allow: addresses('allow'), deny: addresses('deny') },
      upstreams: listed('upstreams'),
      routes: listed('routes'),
    },
    rateLimiting: { rules: listed('rate-limit-rules') },
    auth: {
      consumers: listed('consumers'),
      rbac: { roles: Object.fromEntries(of('roles').map(({ name, spec }) => [name, spec])) },
    },
    monitoring: { alerts: listed('alerts') },
  };
}
