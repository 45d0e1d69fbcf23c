import { type EntityManager } from 'typeorm';
import { type Entity, type EntityKind, examineEntities, maskedSpec, type Misfit, readEntity } from '#config';
import { type Exchange, Refusal } from '#kernel';
import { type ConfigRecords, type EntityChange, type KeyHolder } from '#storage';
import { type AuditTrail } from '../audit/audit-trail.js';
import { type ConfigReload } from '../config-reload.js';
import { checkTogether, invalid } from './check-together.js';
import { type ConfigFollower } from './config-follower.js';
import { type EntitySet, idOf } from './entity-set.js';
import { readBetweenTurns } from './read-between-turns.js';

/** Who changes something, and by which request. */
export interface Actor {
  readonly name: string;
  readonly exchange: Exchange;
}

/** What is in no version: it cannot be rolled back. */
type Unversioned = 'keys' | 'sessions';

/** One thing that somebody changed. Of the kinds of a configuration, or another that only the audit hears of. */
export interface Change extends Omit<EntityChange, 'kind'> {
  readonly kind: EntityKind | Unversioned;
}

export interface Changed {
  /** The entities as they are now, or would be. */
  readonly entities: EntitySet;
  readonly changes: readonly Change[];
}

/** What is to be changed, decided on what there is now; whatever else it writes is part of the same transaction. */
export type Decide = (now: EntitySet, manager: EntityManager) => readonly Change[] | Promise<readonly Change[]>;

interface Request {
  readonly actor: Actor;
  /** In a word or two, for the history. */
  readonly action: string;
  readonly decide: Decide;
  /** Say what would happen, and leave everything as it is. Default: false. */
  readonly dryRun?: boolean;
  /** Whoever decides has found that it fits. Default: false, and it is looked at here. */
  readonly fits?: boolean;
}

/** More than so many waiting writers are told to come again. */
const MOST_WAITING = 100;

/**
 * Everything that the admin API writes is written here, one after the other on all instances: decided on what there is
 * at that moment, checked within the whole that would be served, stored as a new version, served, and announced.
 */
export class ConfigChanges {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(
    private readonly records: ConfigRecords,
    private readonly follower: ConfigFollower,
    private readonly config: ConfigReload,
    private readonly audit: AuditTrail,
  ) {}

  /** Throws a refusal when it may not be, and then nothing has changed. */
  async change(request: Request): Promise<Changed> {
    if (this.waiting >= MOST_WAITING) throw new Refusal('overloaded', 'Too many changes are under way; try again.');
    this.waiting++;
    // One connection of the pool is enough for those who would wait for each other anyway.
    const mine = this.last.then(async () => await this.write(request)).finally(() => this.waiting--);
    this.last = mine.catch(() => undefined);
    return await mine;
  }

  private async write({ actor, action, decide, dryRun = false, fits = false }: Request): Promise<Changed> {
    try {
      const changed = await this.records.change(async (manager, version) => {
        const now = await this.follower.upTo(version, manager);
        const changes = await decide(now, manager);
        const versioned = changes.filter(isVersioned);
        const next = versioned.length === 0 ? now : now.with(version + 1, versioned);
        await readBetweenTurns(next, now);
        if (next !== now && !fits) await this.check(next, versioned);
        // Also of nothing: what was only tried, or is as it was, is no change that the end of the request tells of.
        await this.audit.changed(manager, actor.exchange, dryRun ? [] : changes.map(told));
        if (dryRun) throw new OnlyTried({ entities: next, changes });
        if (next !== now) {
          const written = { version: next.version, actor: actor.name, action, changes: versioned };
          await this.records.write(manager, written, holdersAmong(versioned, next));
        }
        return { entities: next, changes };
      });
      this.follower.adopt(changed.entities);
      return changed;
    } catch (error) {
      if (error instanceof OnlyTried) return error.changed;
      if (error instanceof Refusal) throw error;
      throw asRefusal(error);
    }
  }

  private async check(next: EntitySet, changes: readonly EntityChange[]): Promise<void> {
    const { declaredInFile: file, source: options, running } = this.config;
    checkTogether({ file, options, leftOut: running.leftOut }, next, changes);
    const touched = new Set(changes.map(idOf));
    const explosive = await examined(next.all().filter((entity) => touched.has(idOf(entity))));
    if (explosive.length > 0) throw invalid(explosive, changes.length > 1);
  }
}

/** Ends the transaction of what was only tried. */
class OnlyTried extends Error {
  constructor(readonly changed: Changed) {
    super('only tried');
  }
}

/** For the audit log: without what is secret. */
function told({ kind, name, before, after }: Change): { entity: string; before: unknown; after: unknown } {
  const masked = (spec: EntityChange['before']): unknown =>
    spec === null || isUnversioned(kind) ? spec : maskedSpec({ kind, name, spec });
  return { entity: idOf({ kind, name }), before: masked(before), after: masked(after) };
}

function isVersioned(change: Change): change is Change & { kind: EntityKind } {
  return !isUnversioned(change.kind);
}

function isUnversioned(kind: Change['kind']): kind is Unversioned {
  return kind === 'keys' || kind === 'sessions';
}

async function examined(entities: readonly Entity[]): Promise<readonly Misfit[]> {
  const mistakes = await examineEntities(entities);
  return entities
    .map((entity, index) => ({ entity, mistakes: mistakes[index] ?? [] }))
    .filter((each) => each.mistakes.length > 0);
}

function holdersAmong(changes: readonly EntityChange[], entities: EntitySet): KeyHolder[] {
  return changes.flatMap(({ kind, name, after }) => {
    const consumer = kind === 'consumers' && after !== null ? entities.get('consumers', name) : undefined;
    return consumer === undefined ? [] : [holderOf(consumer)];
  });
}

function holderOf(consumer: Entity): KeyHolder {
  const { name, plan, roles } = readEntity(consumer).value as KeyHolder;
  return { name, plan, roles };
}

const ANSWERS_OF_A_BUSY_DATABASE = new Set(['55P03', '57014']);
/** Classes of errors that are about the connection or the server; whatever else a database says is a mistake of ours. */
const AWAY = /^(08|53|57)|^E[A-Z]+$/;
const AWAY_IN_WORDS = /connect|terminat|timeout/i;

function asRefusal(error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
  if (code !== null && ANSWERS_OF_A_BUSY_DATABASE.has(code)) {
    return new Refusal('store_unavailable', 'The database is busy with other changes; nothing was changed. Try again.');
  }
  const away = code === null ? error instanceof Error && AWAY_IN_WORDS.test(error.message) : AWAY.test(code);
  if (!away) return error;
  return new Refusal(
    'store_unavailable',
    'The database cannot be reached now. Try again later, and look first whether the change was made.',
  );
}
