import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { type EntityManager } from 'typeorm';
import { type Clock, type Exchange, Refusal, soon } from '#kernel';
import { type AuditEntry, type AuditLog, BY_ITSELF } from '#storage';
import { AuditQueue } from './audit-queue.js';

export interface AuditSettings {
  readonly enabled: boolean;
  readonly retentionDays: number;
}

interface AuditedChange {
  /** `routes/users` */
  readonly entity: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What the end of a request says about it. */
type Kind = 'change' | 'sign-in' | 'else';

interface Followed {
  readonly operation: string;
  readonly kind: Kind;
  /** Its changes are in the log already, or will be when their transaction is through. */
  told: boolean;
}

const DAY = 86_400_000;
const PATIENCE = 2_000;
const RETENTION_EVERY = 3_600_000;

/**
 * Who did what. A change of entities is told in its own transaction (`changed`). Whatever else changes something is told
 * when it is over; it is not begun while the database is away. Sign-ins and what was refused wait in memory for the
 * database, since they change nothing that could be missed.
 */
export class AuditTrail implements OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly followed = new WeakMap<Exchange, Followed>();
  private readonly queue: AuditQueue;

  constructor(
    private readonly log: AuditLog,
    private readonly settings: () => AuditSettings,
    private readonly clock: Clock,
  ) {
    this.queue = new AuditQueue(
      async (entries) => await log.write(entries),
      clock,
      (news) => this.logger.warn(news),
    );
  }

  /** Tells of it when it is over. */
  follow(exchange: Exchange, operation: string, kind: Kind): void {
    if (!this.settings().enabled) return;
    this.followed.set(exchange, { operation, kind, told: false });
    exchange.res.on('close', () => this.over(exchange));
  }

  /** A change can be told of, or it must not happen. */
  async ready(): Promise<void> {
    if (!this.settings().enabled) return;
    try {
      await soon(this.log.reach(), PATIENCE, () => new Error('no answer'));
    } catch {
      throw new Refusal('store_unavailable', 'The database with the audit log cannot be reached: nothing is changed.');
    }
  }

  /** In the transaction of the change. */
  async changed(manager: EntityManager, exchange: Exchange, changes: readonly AuditedChange[]): Promise<void> {
    if (!this.settings().enabled) return;
    const followed = this.followed.get(exchange);
    const operation = followed?.operation ?? `${exchange.req.method ?? ''} ${exchange.path}`;
    await this.log.append(
      manager,
      changes.map((change) => ({ ...this.entryOf(exchange, operation), ...change, outcome: 'done', status: null })),
    );
    if (followed !== undefined) followed.told = true;
  }

  /** What was only tried is no change that the end of the request tells of. */
  onlyTried(exchange: Exchange): void {
    const followed = this.followed.get(exchange);
    if (followed !== undefined) followed.told = true;
  }

  /** In the transaction that makes the first key of a new database. */
  readonly firstKey = async (manager: EntityManager, prefix: string): Promise<void> => {
    if (!this.settings().enabled) return;
    const said = { operation: 'first admin key', entity: 'consumers/admin', after: { prefix } };
    await this.log.append(manager, [{ ...BY_ITSELF, ...said, at: new Date(this.clock.now()) }]);
  };

  @Interval(RETENTION_EVERY)
  async forget(): Promise<void> {
    const { enabled, retentionDays } = this.settings();
    if (!enabled) return;
    const now = this.clock.now();
    try {
      const gone = await this.log.forget(new Date(now - retentionDays * DAY), new Date(now));
      if (gone > 0) this.logger.log(`${gone} entries older than ${retentionDays} days are gone`);
    } catch (error) {
      this.logger.warn(`old entries stay for now: ${String(error)}`);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }

  private over(exchange: Exchange): void {
    const followed = this.followed.get(exchange);
    if (followed === undefined) return;
    const { statusCode: status, headersSent } = exchange.res;
    const { operation, kind, told } = followed;
    const entry = { ...this.entryOf(exchange, operation), status: headersSent ? status : null };
    if (status >= 400 || !headersSent) {
      const refused = status < 500 && headersSent;
      // Who sends no credential has not tried; and who is shut out has been told of when that began.
      if (kind === 'else' && !(status === 403 || exchange.errorCode === 'invalid_credentials')) return;
      if (exchange.errorCode === 'authentication_required' || exchange.errorCode === 'rate_limited') return;
      this.queue.add({ ...entry, outcome: refused ? 'refused' : 'failed' }, refused);
      // Signing out without having signed in is for everybody, as often as they like.
    } else if (kind === 'sign-in') this.queue.add({ ...entry, outcome: 'done' }, entry.actor === null);
    else if (kind === 'change' && !told) this.queue.add({ ...entry, after: bodyOf(exchange), outcome: 'done' }, false);
  }

  private entryOf(exchange: Exchange, operation: string): Omit<AuditEntry, 'outcome' | 'status'> {
    const { principal, clientIp, req, id, path } = exchange;
    return {
      at: new Date(this.clock.now()),
      actor: principal?.consumer ?? null,
      credential: principal?.credential ?? null,
      clientIp,
      userAgent: req.headers['user-agent'] ?? null,
      operation,
      entity: /^\/api\/admin\/([^/]+\/[^/]+)/.exec(path)?.[1] ?? null,
      before: null,
      after: null,
      requestId: id,
    };
  }
}

function bodyOf({ req }: Exchange): unknown {
  return (req as { body?: unknown }).body ?? null;
}
