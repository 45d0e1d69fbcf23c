import { ENTITY_KINDS, type Entity, type EntityKind } from '#config';
import { type EntityChange, type EntityRecord } from '#storage';

/** An entity of the database. */
export interface StoredEntity extends Entity {
  /** The version of the configuration that it was last changed in. */
  readonly version: number;
}

/** The entities of the database as of one version. It never changes, and what did not change is the same in the next one. */
export class EntitySet {
  private constructor(
    readonly version: number,
    private readonly byId: ReadonlyMap<string, StoredEntity>,
  ) {}

  static readonly empty = new EntitySet(0, new Map());

  /** What is known of `before` is taken over. */
  static of(version: number, records: readonly EntityRecord[], before = EntitySet.empty): EntitySet {
    const entities = records.flatMap((record) => {
      const { kind, name } = record;
      if (!isKind(kind)) return [];
      const known = before.get(kind, name);
      const same = known?.version === record.version && JSON.stringify(known.spec) === JSON.stringify(record.spec);
      return same ? [known] : [{ ...record, kind }];
    });
    return new EntitySet(version, new Map(entities.map((entity) => [idOf(entity), entity])));
  }

  with(version: number, changes: readonly Pick<EntityChange, 'kind' | 'name' | 'after'>[]): EntitySet {
    const byId = new Map(this.byId);
    for (const { kind, name, after } of changes) {
      if (!isKind(kind)) continue;
      if (after === null) byId.delete(idOf({ kind, name }));
      else byId.set(idOf({ kind, name }), { kind, name, spec: after, version });
    }
    return new EntitySet(version, byId);
  }

  get(kind: EntityKind, name: string): StoredEntity | undefined {
    return this.byId.get(idOf({ kind, name }));
  }

  of(kind: EntityKind): StoredEntity[] {
    return this.all().filter((entity) => entity.kind === kind);
  }

  /** Oldest first. */
  all(): StoredEntity[] {
    return [...this.byId.values()];
  }
}

/** One word for an entity, in messages and in maps. */
export function idOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}/${name}`;
}

/** A newer version of Aegis may have stored kinds that this one does not know. */
function isKind(kind: string): kind is EntityKind {
  return ENTITY_KINDS.some((known) => known === kind);
}
