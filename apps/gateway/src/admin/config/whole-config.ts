import { hasMask, maskedSpec, readDocument, readEntity, shownMeaning, unmasked, wholeMeaning } from '#config';
import { Refusal } from '#kernel';
import { type ConfigRecords, type EntityChange, type VersionRecord } from '#storage';
import { type ConfigReload } from '../../config-reload.js';
import { type Actor, type Change, type ConfigChanges } from '../../dynamic/config-changes.js';
import { EntitySet, idOf, type StoredEntity } from '../../dynamic/entity-set.js';
import { asked } from '../asked.js';
import { checkPreconditions, type Preconditions } from '../preconditions.js';

export type Document = { readonly yaml: string } | { readonly value: unknown };

/** What a change of many entities does, or would do. */
export interface Plan {
  readonly version: number;
  readonly dryRun: boolean;
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
  readonly unchanged: number;
}

export interface WritingAll {
  readonly actor: Actor;
  readonly expected: Preconditions;
  readonly dryRun: boolean;
}

/** All entities of the database at once: replaced by those of a document, or set back to what they were. */
export class WholeConfig {
  constructor(
    private readonly records: ConfigRecords,
    private readonly changes: ConfigChanges,
    private readonly config: ConfigReload,
  ) {}

  async replace(document: Document, writing: WritingAll): Promise<Plan> {
    const read = readDocument(document, this.config.running.config, this.config.declaredInFile);
    if (read.mistakes.length > 0) {
      const [first] = read.mistakes;
      const detail = `${first?.path ?? ''}: ${first?.message ?? ''}`;
      throw new Refusal('validation_failed', `${detail}.`, undefined, read.mistakes);
    }
    if (read.declaredInFile.length > 0) {
      const errors = read.declaredInFile.map((path) => ({ path, message: 'it is declared otherwise in the file' }));
      const detail = `${read.declaredInFile.join(', ')}: declared in the configuration file; change it there.`;
      throw new Refusal('declared_in_file', detail, undefined, errors);
    }
    return await this.write('replace configuration', writing, (now) => {
      const kept = read.sameIpRules ? now.of('ip-rules') : [];
      const wanted = read.entities
        .filter(({ kind }) => kind !== 'ip-rules' || !read.sameIpRules)
        .map((entity) => {
          const before = now.get(entity.kind, entity.name);
          const spec = unmasked(entity.spec, before?.spec) as StoredEntity['spec'];
          const asked: StoredEntity = { ...entity, spec, version: 0 };
          return before !== undefined && readsTheSame(before, asked) ? before : asked;
        });
      return [...wanted, ...kept];
    });
  }

  async rollback(version: number, writing: WritingAll): Promise<Plan> {
    return await this.write(`roll back to ${version}`, writing, async (now, manager) => {
      if (version > now.version) throw noVersion(version, now.version);
      const after = version === now.version ? [] : await this.records.since(version, manager);
      if (version < now.version && after[0]?.version !== version + 1) throw noVersion(version, now.version);
      const undone = after.toReversed().flatMap(({ changes }) => changes.toReversed().map(inverse));
      return now.with(version, undone).all();
    });
  }

  async history(before: number | null, limit: number): Promise<VersionRecord[]> {
    return await asked(this.records.history(before, limit), 'The database with the history cannot be asked now.');
  }

  async version(version: number): Promise<VersionRecord> {
    const [found] = await this.history(version + 1, 1);
    if (found?.version === version) return found;
    throw new Refusal('not_found', `There is no version ${version}, or it is no longer kept.`);
  }

  private async write(
    action: string,
    { actor, expected, dryRun }: WritingAll,
    wish: (
      now: EntitySet,
      manager: Parameters<Parameters<ConfigRecords['change']>[0]>[0],
    ) => readonly StoredEntity[] | Promise<readonly StoredEntity[]>,
  ): Promise<Plan> {
    let unchanged = 0;
    const { entities, changes } = await this.changes.change({
      actor,
      action,
      dryRun,
      decide: async (now, manager) => {
        checkPreconditions(expected, `"v${now.version}"`);
        const wanted = await wish(now, manager);
        const decided = changesTo(now, wanted);
        unchanged = wanted.length - decided.filter(({ after }) => after !== null).length;
        return decided;
      },
    });
    const those = (fits: (change: Change) => boolean): string[] => changes.filter(fits).map(idOf);
    return {
      version: entities.version,
      dryRun,
      created: those(({ before }) => before === null),
      updated: those(({ before, after }) => before !== null && after !== null),
      deleted: those(({ after }) => after === null),
      unchanged,
    };
  }
}

function changesTo(now: EntitySet, wanted: readonly StoredEntity[]): Change[] {
  const kept = new Set(wanted.map(idOf));
  const gone = now.all().filter((entity) => !kept.has(idOf(entity)));
  return [
    ...gone.map(({ kind, name, spec }): Change => ({ kind, name, before: spec, after: null })),
    ...wanted.flatMap(({ kind, name, spec }): Change[] => {
      const before = now.get(kind, name)?.spec ?? null;
      return JSON.stringify(before) === JSON.stringify(spec) ? [] : [{ kind, name, before, after: spec }];
    }),
  ];
}

/** A mask that is left stands for what there is, where all that is shown is as it was. */
function readsTheSame(before: StoredEntity, asked: StoredEntity): boolean {
  const { kind } = before;
  const [a, b] = [readEntity(before).value, readEntity(asked).value];
  return (
    wholeMeaning(kind, a) === wholeMeaning(kind, b) ||
    (hasMask(asked.spec) && shownMeaning(kind, a) === shownMeaning(kind, b))
  );
}

function inverse({ kind, name, before, after }: EntityChange): EntityChange {
  return { kind, name, before: after, after: before };
}

function noVersion(version: number, newest: number): Refusal {
  return new Refusal(
    'not_found',
    `There is no way back to version ${version}: the newest is ${newest}, and the last 1000 are kept.`,
  );
}

/** A version as it is listed, and with what each change was, without what is secret. */
export function shownVersion({ version, madeAt, actor, action, changes }: VersionRecord, whole: boolean): object {
  const entities = EntitySet.of(0, []);
  return {
    version,
    at: madeAt.toISOString(),
    actor,
    action,
    changes: changes.map(({ kind, name, before, after }) => {
      const what = before === null ? 'created' : after === null ? 'deleted' : 'updated';
      const masked = (spec: EntityChange['before']): unknown => {
        const [entity] = spec === null ? [] : entities.with(0, [{ kind, name, before: null, after: spec }]).all();
        return entity === undefined ? null : maskedSpec(entity);
      };
      return { kind, name, what, ...(whole && { before: masked(before), after: masked(after) }) };
    }),
  };
}
