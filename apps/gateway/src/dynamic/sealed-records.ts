import { type DataSource, type EntityManager } from 'typeorm';
import { type Entity, ENTITY_KINDS, type Seal } from '#config';
import { ConfigRecords, type EntityChange, type EntityRecord, type KeyHolder, type VersionRecord } from '#storage';

type Spec = Entity['spec'];

/** The records of the configuration, with what is secret in them sealed on the way in and opened on the way out. */
export class SealedRecords extends ConfigRecords {
  constructor(
    dataSource: DataSource,
    private readonly sealing: Seal,
  ) {
    super(dataSource);
  }

  override async all(through?: Pick<EntityManager, 'query'>): Promise<{ version: number; entities: EntityRecord[] }> {
    const { version, entities } = await super.all(through);
    return { version, entities: entities.map((each) => ({ ...each, spec: this.sealing.open(each.spec) })) };
  }

  override async since(
    version: number,
    through?: Pick<EntityManager, 'query'>,
  ): Promise<Pick<VersionRecord, 'version' | 'changes'>[]> {
    const versions = await super.since(version, through);
    return versions.map((each) => ({ ...each, changes: this.opened(each.changes) }));
  }

  override async history(before: number | null, limit: number): Promise<VersionRecord[]> {
    const versions = await super.history(before, limit);
    return versions.map((each) => ({ ...each, changes: this.opened(each.changes) }));
  }

  override async write(
    manager: EntityManager,
    version: Omit<VersionRecord, 'madeAt'>,
    holders: readonly KeyHolder[],
  ): Promise<void> {
    const changes = version.changes.map((change) => ({
      ...change,
      before: this.sealed(change, change.before),
      after: this.sealed(change, change.after),
    }));
    await super.write(manager, { ...version, changes }, holders);
  }

  private opened(changes: readonly EntityChange[]): EntityChange[] {
    const open = (spec: Spec | null): Spec | null => (spec === null ? null : this.sealing.open(spec));
    return changes.map((change) => ({ ...change, before: open(change.before), after: open(change.after) }));
  }

  /** A newer version of Aegis may have stored kinds that this one does not know. */
  private sealed({ kind, name }: EntityChange, spec: Spec | null): Spec | null {
    const known = ENTITY_KINDS.find((each) => each === kind);
    return spec === null || known === undefined ? spec : this.sealing.seal({ kind: known, name, spec });
  }
}
