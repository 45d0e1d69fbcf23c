import { createRequire } from 'node:module';
import { totalmem } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type OnApplicationShutdown } from '@nestjs/common';
import { examineExpressions, type LoadedConfig, piecesOf } from '#config';
import { Refusal } from '#kernel';
import { invalidBecause } from '../dynamic/check-together.js';
import { EntitySet, idOf, type StoredEntity } from '../dynamic/entity-set.js';
import { type Examined, type Places, type Said, type SentDocument, type Told } from './messages.js';

const PROGRAM = createRequire(import.meta.url).resolve('#examiner-program');

interface Limits {
  /** Milliseconds that one document may take. */
  readonly patience: number;
  /** Milliseconds that an idle thread is kept for. */
  readonly idle: number;
  readonly megabytes: number;
}

const MEGABYTE = 1024 ** 2;

/** What a thread may take of so many bytes: most of it is for requests. */
export function megabytesOf(memory: number): number {
  return Math.max(128, Math.min(1024, Math.floor(memory / MEGABYTE / 4)));
}

/** Of the machine, or of the container. */
const MEMORY = Math.min(totalmem(), process.constrainedMemory() || Infinity);
const LIMITS: Limits = { patience: 60_000, idle: 60_000, megabytes: megabytesOf(MEMORY) };
/** Entities in one message. */
const MOST_AT_ONCE = 1_000;

/** What documents are held against. */
export interface Served {
  readonly file: LoadedConfig;
  readonly entities: EntitySet;
}

/**
 * Examines documents on a thread of its own, one at a time (ADR 19). The thread is told what is served, in pieces between
 * which requests are answered, and afterwards only what has changed; it ends when there has been nothing to do for a while.
 */
export class Examiner implements OnApplicationShutdown {
  private thread: Thread | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private leave: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly places: Places,
    private readonly limits: Partial<Limits> = {},
  ) {}

  /** `isWanted`: whether anybody waits for it still, when it is its turn. Throws a refusal. */
  async examine(document: SentDocument, served: Served, isWanted: () => boolean = () => true): Promise<Examined> {
    const mine = this.last.then(async () => {
      if (this.closed || !isWanted()) throw new Refusal('overloaded', 'Nobody waits for it any more.');
      const examined = await this.work(document, served);
      // One document at a time here as well: a file with new expressions does not have to wait for many.
      const explosive = await examineExpressions(examined.expressions);
      if (explosive.length > 0) throw invalidBecause(explosive);
      return examined;
    });
    this.last = mine.catch(() => undefined);
    return await mine;
  }

  private async work(document: SentDocument, served: Served): Promise<Examined> {
    clearTimeout(this.leave);
    const { patience, idle, megabytes } = { ...LIMITS, ...this.limits };
    const thread = (this.thread ??= new Thread(megabytes));
    const late = setTimeout(() => thread.end(tooLong(patience)), patience);
    try {
      await thread.know(served, this.places);
      const said = await thread.ask({ kind: 'document', document });
      if ('examined' in said) return said.examined;
      if ('failed' in said) throw new Error(`a document could not be examined: ${said.failed}`);
      throw new Refusal(said.refused.code, said.refused.detail, undefined, said.refused.errors);
    } finally {
      clearTimeout(late);
      if (thread.over) this.thread = undefined;
      else this.leave = setTimeout(() => this.dismiss(), idle).unref();
    }
  }

  private dismiss(): void {
    this.thread?.end(new Refusal('overloaded', 'The gateway is about to stop.'));
    this.thread = undefined;
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.leave);
    this.dismiss();
  }
}

/** A thread and what it has been told. */
class Thread {
  private readonly worker: Worker;
  private answer: ((said: Said) => void) | undefined;
  private fail: ((reason: unknown) => void) | undefined;
  private why: unknown;
  private knows: { readonly file: LoadedConfig | null; readonly entities: EntitySet } = {
    file: null,
    entities: EntitySet.empty,
  };

  constructor(megabytes: number) {
    this.worker = new Worker(PROGRAM, {
      resourceLimits: { maxOldGenerationSizeMb: megabytes },
      execArgv: [],
      env: {},
    });
    this.worker.unref();
    this.worker.on('message', (said: Said) => this.answer?.(said));
    this.worker.on('error', (error: NodeJS.ErrnoException) =>
      this.end(error.code === OUT_OF_MEMORY ? TOO_LARGE : error),
    );
    this.worker.on('exit', () => this.end(new Error('the thread that examines documents has ended')));
  }

  get over(): boolean {
    return this.why !== undefined;
  }

  async know({ file, entities }: Served, places: Places): Promise<void> {
    if (this.knows.file !== file) {
      for (const piece of piecesOf(file.config)) await this.tell({ kind: 'file', piece });
      await this.tell({ kind: 'whole file', places });
      this.knows = { ...this.knows, file };
    }
    const before = this.knows.entities;
    if (before === entities) return;
    const fresh = entities.all().filter((entity) => before.get(entity.kind, entity.name) !== entity);
    for (let from = 0; from < fresh.length; from += MOST_AT_ONCE) {
      await this.tell({ kind: 'entities', some: fresh.slice(from, from + MOST_AT_ONCE) });
    }
    const isGone = ({ kind, name }: StoredEntity): boolean => entities.get(kind, name) === undefined;
    const gone = before.all().filter(isGone).map(idOf);
    await this.tell({ kind: 'all entities', version: entities.version, gone });
    this.knows = { file, entities };
  }

  /** Takes its time to copy what it tells, so somebody else is heard in between. */
  private async tell(told: Told): Promise<void> {
    if (this.why !== undefined) throw reason(this.why);
    this.worker.postMessage(told);
    await nextTurn();
  }

  async ask(told: Told): Promise<Said> {
    if (this.why !== undefined) throw reason(this.why);
    return await new Promise<Said>((resolve, reject) => {
      this.answer = resolve;
      this.fail = reject;
      this.worker.postMessage(told);
    });
  }

  end(why: unknown): void {
    if (this.why !== undefined) return;
    this.why = why;
    this.fail?.(why);
    void this.worker.terminate();
  }
}

const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
const TOO_LARGE = new Refusal(
  'overloaded',
  'The document needs more memory than there is for examining one: send less.',
);

function tooLong(patience: number): Refusal {
  return new Refusal(
    'overloaded',
    `The document could not be examined within ${patience / 1000} s: send less, or try again when there is less to do.`,
    { 'Retry-After': '30' },
  );
}

/** A refusal is no `Error`, on purpose; promises may be rejected with it all the same. */
function reason(thrown: unknown): Error {
  return thrown as Error;
}
