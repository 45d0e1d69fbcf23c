import { alert } from '../model/alert.js';
import { consumer, role } from '../model/auth.js';
import { ipRules } from '../model/edges.js';
import { declaredRule } from '../model/rate-limiting.js';
import { type Declared } from '../model/root.js';
import { route } from '../model/route.js';
import { upstream } from '../model/upstream.js';
import { name } from '../model/values.js';
import { object, required, type Schema } from '../schema/index.js';
import { type Path } from '../schema/schema.js';

export const ENTITY_KINDS = [
  'routes',
  'upstreams',
  'consumers',
  'rate-limit-rules',
  'ip-rules',
  'roles',
  'alerts',
] as const;
export type EntityKind = (typeof ENTITY_KINDS)[number];

/** Something that has a name and that the admin API can make: as it was written, without its name. */
export interface Entity {
  readonly kind: EntityKind;
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** How one kind of entity reads, and where in a configuration it stands. */
interface Kind {
  /** For messages. */
  readonly one: string;
  readonly schema: Schema<unknown>;
  /** Where the file has them. */
  readonly path: Path;
  /** Those of a configuration, each with its name. Ones without a name come as null. */
  readonly of: (declared: Declared) => readonly (readonly [string | null, unknown])[];
}

const ipRule = object({ name: required(name, 'What the rule is called.', { example: 'office' }), ...ipRules.fields });
const namedRole = object({ name: required(name, 'What the role is called.', { example: 'user' }), ...role.fields });

/** The address rules of the file have no name there; here they have this one. */
export const FILE_IP_RULES = 'gateway';

export const KINDS: Readonly<Record<EntityKind, Kind>> = {
  routes: {
    one: 'route',
    schema: route,
    path: ['gateway', 'routes'],
    of: ({ gateway }) => gateway.routes.map((each) => [each.name, each]),
  },
  upstreams: {
    one: 'upstream',
    schema: upstream,
    path: ['gateway', 'upstreams'],
    of: ({ gateway }) => gateway.upstreams.map((each) => [each.name, each]),
  },
  consumers: {
    one: 'consumer',
    schema: consumer,
    path: ['auth', 'consumers'],
    of: ({ auth }) => auth.consumers.map((each) => [each.name, each]),
  },
  'rate-limit-rules': {
    one: 'rule',
    schema: declaredRule,
    path: ['rateLimiting', 'rules'],
    of: ({ rateLimiting }) => rateLimiting.rules.map((each) => [each.name, each]),
  },
  'ip-rules': {
    one: 'IP rule',
    schema: ipRule,
    path: ['gateway', 'ip'],
    of: ({ gateway: { ip } }) =>
      ip.allow.length + ip.deny.length === 0 ? [] : [[FILE_IP_RULES, { name: FILE_IP_RULES, ...ip }]],
  },
  roles: {
    one: 'role',
    schema: namedRole,
    path: ['auth', 'rbac', 'roles'],
    of: ({ auth }) => Object.entries(auth.rbac.roles).map(([each, said]) => [each, { name: each, ...said }]),
  },
  alerts: {
    one: 'alert',
    schema: alert,
    path: ['monitoring', 'alerts'],
    of: ({ monitoring }) => monitoring.alerts.map((each) => [each.name, each]),
  },
};

export function entityNoun(kind: EntityKind): string {
  return KINDS[kind].one;
}
