import { type EntityManager } from 'typeorm';
import { maskedSpec } from '#config';
import { Refusal } from '#kernel';
import { type ConfigRecords, type EntityChange, type VersionRecord } from '#storage';
import { type AuditTrail } from '../../audit/audit-trail.js';
import { type ConfigReload } from '../../config-reload.js';
import { type Actor, type Change, type ConfigChanges } from '../../dynamic/config-changes.js';
import { type ConfigFollower } from '../../dynamic/config-follower.js';
import { EntitySet, idOf, type StoredEntity } from '../../dynamic/entity-set.js';
import { wantedOf } from '../../examiner/examine.js';
import { type Examiner, type Served } from '../../examiner/examiner.js';
import { type Examined, type SentDocument, type Wanted } from '../../examiner/messages.js';
import { asked } from '../asked.js';
import { checkPreconditions, type Preconditions } from '../preconditions.js';

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
    private readonly follower: ConfigFollower,
    private readonly config: ConfigReload,
    private readonly examiner: Examiner,
    private readonly audit: AuditTrail,
  ) {}

  /** `isWanted`: whether the answer is waited for still. */
  async replace(document: SentDocument, writing: WritingAll, isWanted: () => boolean): Promise<Plan> {
    const { actor, expected, dryRun } = writing;
    const known = this.beside(await this.latest());
    checkPreconditions(expected, `"v${known.entities.version}"`);
    let examined = await this.examiner.examine(document, known, isWanted);
    if (dryRun) {
      this.audit.onlyTried(actor.exchange);
      return planOf(known.entities, examined, true);
    }
    let plan: Plan | undefined;
    await this.changes.change({
      actor,
      action: 'replace configuration',
      fits: true,
      decide: async (now) => {
        checkPreconditions(expected, `"v${now.version}"`);
        const current = this.beside(now);
        // Somebody was quicker: it may not fit any more, or be another change.
        if (now.version !== known.entities.version || current.file !== known.file) {
          examined = await this.examiner.examine(document, current, isWanted);
        }
        plan = planOf(now, examined, false);
        return changesOf(now, examined.wanted);
      },
    });
    if (plan === undefined) throw new TypeError('a change was made that nobody decided');
    return plan;
  }

  /** All entities as of now; somebody else may change them a moment later. */
  private async latest(): Promise<EntitySet> {
    const read = this.records.head().then(async ({ version }) => await this.follower.upTo(version));
    return await asked(read, 'The database with the configuration cannot be asked now.');
  }

  private beside(entities: EntitySet): Served {
    return { file: this.config.declaredInFile, entities };
  }

  async rollback(version: number, writing: WritingAll): Promise<Plan> {
    const { actor, expected, dryRun } = writing;
    let plan: Plan | undefined;
    await this.changes.change({
      actor,
      action: `roll back to ${version}`,
      dryRun,
      decide: async (now, manager) => {
        checkPreconditions(expected, `"v${now.version}"`);
        const before = await this.asOf(version, now, manager);
        const wanted = wantedOf(now, before);
        const unchanged = before.length - wanted.filter(({ after }) => after !== null).length;
        plan = planOf(now, { wanted, unchanged }, dryRun);
        return changesOf(now, wanted);
      },
    });
    if (plan === undefined) throw new TypeError('a change was made that nobody decided');
    return plan;
  }

  private async asOf(version: number, now: EntitySet, manager: EntityManager): Promise<readonly StoredEntity[]> {
    if (version > now.version) throw noVersion(version, now.version);
    const after = version === now.version ? [] : await this.records.since(version, manager);
    if (version < now.version && after[0]?.version !== version + 1) throw noVersion(version, now.version);
    const undone = after.toReversed().flatMap(({ changes }) => changes.toReversed().map(inverse));
    return now.with(version, undone).all();
  }

  async history(before: number | null, limit: number): Promise<VersionRecord[]> {
    return await asked(this.records.history(before, limit), 'The database with the history cannot be asked now.');
  }

  async version(version: number): Promise<VersionRecord> {
    const [found] = await this.history(version + 1, 1);
    if (found?.version === version) return found;
    throw new Refusal('not_found', `There is no version ${version}, or it is no longer kept.`);
  }
}

function changesOf(now: EntitySet, wanted: readonly Wanted[]): Change[] {
  return wanted.map(({ kind, name, after }) => ({ kind, name, before: now.get(kind, name)?.spec ?? null, after }));
}

function planOf(now: EntitySet, { wanted, unchanged }: Pick<Examined, 'wanted' | 'unchanged'>, dryRun: boolean): Plan {
  const isNew = ({ kind, name }: Wanted): boolean => now.get(kind, name) === undefined;
  return {
    version: wanted.length === 0 ? now.version : now.version + 1,
    dryRun,
    created: wanted.filter(isNew).map(idOf),
    updated: wanted.filter((each) => each.after !== null && !isNew(each)).map(idOf),
    deleted: wanted.filter(({ after }) => after === null).map(idOf),
    unchanged,
  };
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
        const [entity] = spec === null ? [] : entities.with(0, [{ kind, name, after: spec }]).all();
        return entity === undefined ? null : maskedSpec(entity);
      };
      return { kind, name, what, ...(whole && { before: masked(before), after: masked(after) }) };
    }),
  };
}
