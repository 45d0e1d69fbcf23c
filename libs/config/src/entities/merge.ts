import { Checks, type Remark } from '../compile/checks.js';
import { compile } from '../compile/compile.js';
import { type Config } from '../compile/config.js';
import { Files } from '../files.js';
import { deepFreeze } from '../freeze.js';
import { type LoadedConfig, type LoadOptions, placesOf } from '../load.js';
import { contentHash } from '../masked.js';
import { type Declared } from '../model/root.js';
import { type Path } from '../schema/schema.js';
import { type Entity, ENTITY_KINDS, type EntityKind, KINDS } from './kinds.js';
import { type EntityMistake, readEntity, said } from './read.js';

/** An entity that cannot be served together with the rest, and why. */
export interface Misfit {
  readonly entity: Entity;
  readonly mistakes: readonly EntityMistake[];
}

export interface MergedConfig extends LoadedConfig {
  /** Entities that are not part of it. */
  readonly leftOut: readonly Misfit[];
}

/** Of what nobody knows whose it is: it is said of everybody. */
const MOST_STRAYS = 3;

/** What an entity of each kind is read as. */
interface DeclaredOf {
  readonly routes: Declared['gateway']['routes'][number];
  readonly upstreams: Declared['gateway']['upstreams'][number];
  readonly consumers: Declared['auth']['consumers'][number];
  readonly 'rate-limit-rules': Declared['rateLimiting']['rules'][number];
  readonly 'ip-rules': Declared['gateway']['ip'];
  readonly roles: Declared['auth']['rbac']['roles'][string] & { readonly name: string };
  readonly alerts: Declared['monitoring']['alerts'][number];
}

/**
 * Joins the entities of the database to a configuration that was read from a file, which stands on its own: nothing that
 * is wrong with an entity touches it. Who does not fit is left out, and then who needs that one, until the rest fits.
 */
export function mergeEntities(file: LoadedConfig, entities: readonly Entity[], options: LoadOptions): MergedConfig {
  const leftOut: Misfit[] = [];
  let rest = entities;
  for (;;) {
    if (rest.length === 0) return { ...file, leftOut };
    const { misfits, config } = tryMerge(file, rest, options);
    if (misfits.length === 0)
      return { ...file, config: deepFreeze(config), hash: contentHash(config.declared), leftOut };
    const gone = new Set(misfits.map(({ entity }) => entity));
    leftOut.push(...misfits);
    rest = rest.filter((entity) => !gone.has(entity));
  }
}

/** Who does not fit into the whole as it is. Nobody is left out first, so each is told what is wrong with itself. */
export function misfitsAmong(file: LoadedConfig, entities: readonly Entity[], options: LoadOptions): readonly Misfit[] {
  return tryMerge(file, entities, options).misfits;
}

interface Attempt {
  readonly misfits: readonly Misfit[];
  readonly config: Config;
}

function tryMerge(file: LoadedConfig, entities: readonly Entity[], options: LoadOptions): Attempt {
  const found = new Map<Entity, EntityMistake[]>();
  const complain = (entity: Entity, mistakes: readonly EntityMistake[]): void => {
    const before = found.get(entity);
    if (before === undefined) found.set(entity, [...mistakes]);
    else before.push(...mistakes);
  };
  const sound = new Graft(settled(file));
  for (const entity of entities) {
    const { value, mistakes } = readEntity(entity);
    if (mistakes.length > 0) complain(entity, mistakes);
    else if (sound.has(entity)) {
      complain(entity, [
        { path: 'name', message: `the configuration file has a ${KINDS[entity.kind].one} of this name` },
      ]);
    } else sound.add(entity, value);
  }
  const { places, env } = placesOf(options);
  const checks = new Checks(new Files(places, env));
  const config = compile(sound.declared(), checks);
  const strays: Remark[] = [];
  for (const remark of checks.mistakes) {
    const owner = sound.ownerOf(remark.path);
    if (owner === undefined) strays.push(remark);
    else complain(owner.entity, [said({ ...remark, path: owner.rest })]);
  }
  for (const { path, message } of checks.absent) {
    const owner = sound.ownerOf(path);
    if (owner !== undefined) complain(owner.entity, [said({ path: owner.rest, message })]);
  }
  // The file was right by itself, so somebody who joined it is to blame, though nobody knows who.
  if (found.size === 0 && strays.length > 0) {
    const told = strays.slice(0, MOST_STRAYS).map(said);
    for (const entity of entities) complain(entity, told);
  }
  const misfits = [...found].map(([entity, mistakes]) => ({ entity, mistakes }));
  return { misfits, config };
}

/** The same each time, so that what is known of its routes stays known. */
const settledBefore = new WeakMap<Config, Declared>();

/** The file's names, those that were derived too: nothing that comes later may take them. */
function settled({ config }: LoadedConfig): Declared {
  const before = settledBefore.get(config);
  if (before !== undefined) return before;
  const { declared, gateway, rateLimiting } = config;
  const now = {
    ...declared,
    gateway: {
      ...declared.gateway,
      routes: declared.gateway.routes.map((route, index) => ({
        ...route,
        name: gateway.routes[index]?.name ?? route.name,
      })),
    },
    rateLimiting: {
      ...declared.rateLimiting,
      rules: declared.rateLimiting.rules.map((rule, index) => ({
        ...rule,
        name: rateLimiting.rules[index]?.name ?? rule.name,
      })),
    },
  };
  settledBefore.set(config, now);
  return now;
}

const LISTS = ['routes', 'upstreams', 'consumers', 'rate-limit-rules', 'alerts'] as const;

/** A declared configuration with entities put into their places, which knows whose each place is. */
class Graft {
  private readonly added = new Map<EntityKind, { readonly entity: Entity; readonly value: unknown }[]>();
  private readonly roles = new Map<string, Entity>();
  private readonly ofFile: ReadonlyMap<
    EntityKind,
    { readonly names: ReadonlySet<string | null>; readonly count: number }
  >;

  constructor(private readonly file: Declared) {
    this.ofFile = new Map(
      ENTITY_KINDS.map((kind) => {
        const names = KINDS[kind].of(file).map(([name]) => name);
        return [kind, { names: new Set(names), count: names.length }];
      }),
    );
  }

  /** Whether the file has one of this name. */
  has({ kind, name }: Entity): boolean {
    return this.ofFile.get(kind)?.names.has(name) ?? false;
  }

  add(entity: Entity, value: unknown): void {
    if (entity.kind === 'roles') this.roles.set(entity.name, entity);
    const of = this.added.get(entity.kind);
    if (of === undefined) this.added.set(entity.kind, [{ entity, value }]);
    else of.push({ entity, value });
  }

  private values<K extends EntityKind>(kind: K): readonly DeclaredOf[K][] {
    return (this.added.get(kind) ?? []).map(({ value }) => value as DeclaredOf[K]);
  }

  declared(): Declared {
    const { gateway, auth, rateLimiting, monitoring } = this.file;
    const ip = this.values('ip-rules');
    const roles = this.values('roles').map(({ name, ...role }) => [name, role] as const);
    return {
      ...this.file,
      gateway: {
        ...gateway,
        routes: [...gateway.routes, ...this.values('routes')],
        upstreams: [...gateway.upstreams, ...this.values('upstreams')],
        ip: {
          allow: [...gateway.ip.allow, ...ip.flatMap(({ allow }) => allow)],
          deny: [...gateway.ip.deny, ...ip.flatMap(({ deny }) => deny)],
        },
      },
      auth: {
        ...auth,
        consumers: [...auth.consumers, ...this.values('consumers')],
        rbac: {
          ...auth.rbac,
          roles: { ...auth.rbac.roles, ...Object.fromEntries(roles) },
        },
      },
      rateLimiting: {
        ...rateLimiting,
        rules: [...rateLimiting.rules, ...this.values('rate-limit-rules')],
      },
      monitoring: {
        ...monitoring,
        alerts: [...monitoring.alerts, ...this.values('alerts')],
      },
    };
  }

  /** Whose a place is, and where in that entity it is. */
  ownerOf(path: Path): { readonly entity: Entity; readonly rest: Path } | undefined {
    const isAt = (kind: EntityKind): boolean => KINDS[kind].path.every((step, index) => path[index] === step);
    for (const kind of LISTS) {
      const depth = KINDS[kind].path.length;
      const index = path[depth];
      if (!isAt(kind) || typeof index !== 'number') continue;
      const entity = this.added.get(kind)?.[index - (this.ofFile.get(kind)?.count ?? 0)]?.entity;
      return entity && { entity, rest: path.slice(depth + 1) };
    }
    if (!isAt('roles')) return undefined;
    const depth = KINDS.roles.path.length;
    const role = this.roles.get(String(path[depth]));
    return role && { entity: role, rest: path.slice(depth + 1) };
  }
}
