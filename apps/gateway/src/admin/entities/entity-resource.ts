import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  entitiesOf,
  type Entity,
  type EntityKind,
  entityNoun,
  maskedSpec,
  nameForEntity,
  nearest,
  unmasked,
} from '#config';
import { Refusal } from '#kernel';
import { type ConfigReload } from '../../config-reload.js';
import { type Actor, type Change, type ConfigChanges } from '../../dynamic/config-changes.js';
import { type ConfigFollower } from '../../dynamic/config-follower.js';
import { type EntitySet, type StoredEntity } from '../../dynamic/entity-set.js';
import { mergePatch } from '../merge-patch.js';
import { type Page, pageOf } from '../page.js';
import { checkPreconditions, type Preconditions } from '../preconditions.js';
import { type PageQuery } from '../query.js';
import { fits, FILTERS } from './filters.js';

/** An entity as it is shown: as it was written, what is secret about it masked, and where it comes from. */
export type Item = Readonly<Record<string, unknown>> & { readonly name: string; readonly source: 'file' | 'api' };

export interface Shown {
  readonly item: Item;
  readonly etag: string;
}

export interface Written extends Shown {
  readonly created: boolean;
}

export interface Writing {
  readonly actor: Actor;
  readonly expected: Preconditions;
  readonly dryRun: boolean;
}

type Body = Readonly<Record<string, unknown>>;

/** The entities of one kind, those of the file and those of the database. */
export class EntityResource {
  private readonly one: string;
  /** There may be 100,000 of them in a file: they are written out once. */
  private readonly ofFile = new WeakMap<object, ReadonlyMap<string, Entity>>();

  constructor(
    readonly kind: EntityKind,
    private readonly changes: ConfigChanges,
    private readonly follower: ConfigFollower,
    private readonly config: ConfigReload,
  ) {
    this.one = entityNoun(kind);
  }

  list(page: PageQuery, filters: Readonly<Record<string, string>>): Page<Item> {
    const known = FILTERS[this.kind];
    const items = this.all().filter((item) =>
      Object.entries(filters).every(([name, wanted]) => fits(known[name]?.(item), wanted)),
    );
    return pageOf(items, page);
  }

  private all(): Item[] {
    const ofFile = this.fromFile();
    const stored = this.follower.entities.of(this.kind).filter(({ name }) => !ofFile.has(name));
    return [...[...ofFile.values()].map(itemOfFile), ...stored.map((entity) => shownOfDatabase(entity).item)];
  }

  get(name: string): Shown {
    const declared = this.declared(name);
    if (declared !== undefined) return shownOfFile(declared);
    const stored = this.follower.entities.get(this.kind, name);
    if (stored === undefined) throw this.unknown(name);
    return shownOfDatabase(stored);
  }

  async create(body: Body, writing: Writing): Promise<Written> {
    return await this.write(writing, `create ${this.one}`, (now) => {
      const name = this.nameIn(body) ?? this.derivedName(body, now);
      if (now.get(this.kind, name) !== undefined) {
        throw new Refusal(
          'already_exists',
          `There is a ${this.one} ${name}: replace it with PUT, or change it with PATCH.`,
        );
      }
      return { name, spec: specOf(body, undefined) };
    });
  }

  /** Creates it or replaces it whole; what is as it was already is no change. */
  async replace(name: string, body: Body, writing: Writing): Promise<Written> {
    this.checkSameName(name, body);
    return await this.write(writing, `replace ${this.one}`, (now) => ({
      name,
      spec: specOf(body, now.get(this.kind, name)?.spec),
    }));
  }

  async patch(name: string, patch: Body, writing: Writing): Promise<Written> {
    this.checkSameName(name, patch);
    return await this.write(writing, `change ${this.one}`, (now) => {
      const { spec } = this.stored(name, now);
      return { name, spec: specOf(mergePatch(spec, specOf(patch, spec)) as Body, spec) };
    });
  }

  async remove(name: string, { actor, expected, dryRun }: Writing): Promise<void> {
    const decide = (now: EntitySet): Change[] => {
      this.checkNotDeclared(name);
      const before = this.stored(name, now);
      checkPreconditions(expected, etagOf(before));
      return [{ kind: this.kind, name, before: before.spec, after: null }];
    };
    await this.changes.change({ actor, action: `delete ${this.one}`, dryRun, decide });
  }

  private async write(
    { actor, expected, dryRun }: Writing,
    action: string,
    decide: (now: EntitySet) => { readonly name: string; readonly spec: Body },
  ): Promise<Written> {
    let named = '';
    let created = false;
    const { entities } = await this.changes.change({
      actor,
      action,
      dryRun,
      decide: (now): Change[] => {
        const { name, spec } = decide(now);
        this.checkNotDeclared(name);
        const before = now.get(this.kind, name);
        checkPreconditions(expected, before === undefined ? null : etagOf(before));
        [named, created] = [name, before === undefined];
        if (before !== undefined && isDeepStrictEqual(before.spec, spec)) return [];
        return [{ kind: this.kind, name, before: before?.spec ?? null, after: spec }];
      },
    });
    const written = entities.get(this.kind, named);
    if (written === undefined) throw this.unknown(named);
    return { ...shownOfDatabase(written), created };
  }

  private stored(name: string, now: EntitySet): StoredEntity {
    const stored = now.get(this.kind, name);
    if (stored !== undefined) return stored;
    this.checkNotDeclared(name);
    throw this.unknown(name);
  }

  private fromFile(): ReadonlyMap<string, Entity> {
    const { config } = this.config.declaredInFile;
    let entities = this.ofFile.get(config);
    if (entities === undefined) {
      entities = new Map(entitiesOf(this.kind, config).map((entity) => [entity.name, entity]));
      this.ofFile.set(config, entities);
    }
    return entities;
  }

  private declared(name: string): Entity | undefined {
    return this.fromFile().get(name);
  }

  private checkNotDeclared(name: string): void {
    if (this.declared(name) === undefined) return;
    throw new Refusal(
      'declared_in_file',
      `The ${this.one} ${name} is declared in the configuration file and read-only here: change it there.`,
    );
  }

  private unknown(name: string): Refusal {
    const near = nearest(
      name,
      this.all().map((item) => item.name),
    );
    return new Refusal(
      'not_found',
      `There is no ${this.one} ${JSON.stringify(name)}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    );
  }

  private nameIn({ name }: Body): string | undefined {
    if (name === undefined || name === null) return undefined;
    if (typeof name === 'string' && name !== '') return name;
    throw invalidName(name === '' ? 'it is empty' : `${JSON.stringify(name)} is not a name`);
  }

  private derivedName(body: Body, now: EntitySet): string {
    const taken = new Set([...this.fromFile().keys(), ...now.of(this.kind).map((entity) => entity.name)]);
    const derived = nameForEntity(this.kind, specOf(body, undefined), taken);
    if (derived === undefined) throw invalidName('it is missing');
    return derived;
  }

  private checkSameName(name: string, body: Body): void {
    const said = this.nameIn(body);
    if (said === undefined || said === name) return;
    throw invalidName(
      `the path says ${name}, the body ${said}: a ${this.one} is not renamed, but made anew and deleted`,
    );
  }
}

function invalidName(message: string): Refusal {
  return new Refusal('validation_failed', `name: ${message}.`, undefined, [{ path: 'name', message }]);
}

/** What it says, without what only we say about it. */
function specOf(body: Body, stored: Body | undefined): Body {
  const { name: _name, source: _source, ...spec } = body;
  return unmasked(spec, stored) as Body;
}

function itemOfFile(entity: Entity): Item {
  return { name: entity.name, ...entity.spec, source: 'file' };
}

function shownOfFile(entity: Entity): Shown {
  const item = itemOfFile(entity);
  return { item, etag: `"f-${createHash('sha256').update(JSON.stringify(item)).digest('hex').slice(0, 24)}"` };
}

function shownOfDatabase(entity: StoredEntity): Shown {
  return { item: { name: entity.name, ...maskedSpec(entity), source: 'api' }, etag: etagOf(entity) };
}

function etagOf({ version }: StoredEntity): string {
  return `"v${version}"`;
}
