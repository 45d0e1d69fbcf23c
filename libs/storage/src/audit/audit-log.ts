import { type DataSource, type EntityManager } from 'typeorm';
import { type Break, breakIn, type ChainEnd, GENESIS, linked } from './chain.js';
import { type AuditEntry, BY_ITSELF, type ChainedEntry } from './entry.js';
import { storable } from './storable.js';

export interface AuditFilter {
  readonly actor?: string | undefined;
  /** `routes/users`, or `routes` for all of them. */
  readonly entity?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  /** Entries before this one in the chain. */
  readonly before?: number | undefined;
}

export interface Verification {
  readonly ok: boolean;
  readonly checked: number;
  /** The last entry that retention took away; 0: none. */
  readonly after: number;
  /** Whoever keeps this elsewhere sees later whether the end of the log was cut off. */
  readonly head: { readonly seq: number; readonly hash: string };
  readonly brokenAt: Break | null;
}

/** Any number that nobody else takes in a shared database: "audit" in ASCII. */
const LOCK = 0x6175646974;
const PAGE = 1000;
const RETENTION = 'audit retention';
const COLUMNS = `seq, hash, at, actor, credential, client_ip, user_agent, operation, entity, before, after, outcome,
  status, request_id`;

interface Row {
  readonly seq: string;
  readonly hash: Buffer;
  readonly at: Date;
  readonly actor: string | null;
  readonly credential: string | null;
  readonly client_ip: string | null;
  readonly user_agent: string | null;
  readonly operation: string;
  readonly entity: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly outcome: AuditEntry['outcome'];
  readonly status: number | null;
  readonly request_id: string | null;
}

/**
 * The audit log: entries in one chain, whatever number of instances writes. Whoever appends holds a lock until their
 * transaction ends, so that the hash of an entry covers the one before it.
 */
export class AuditLog {
  private verifying: Promise<Verification> | null = null;

  constructor(private readonly dataSource: DataSource) {}

  /** Fails where nothing could be written now. */
  async reach(): Promise<void> {
    await this.dataSource.query('SELECT 1');
  }

  /** In a transaction of its own. */
  async write(entries: readonly AuditEntry[]): Promise<void> {
    await this.dataSource.transaction(async (manager) => await this.append(manager, entries));
  }

  /** In the transaction of the change that is told of: both are there, or neither is. */
  async append(manager: EntityManager, entries: readonly AuditEntry[]): Promise<void> {
    let end = await this.lockedEnd(manager);
    for (const entry of entries) {
      const chained = linked(storable(entry), end);
      await insert(manager, chained);
      end = chained;
    }
  }

  /** The newest first. */
  async list(filter: AuditFilter, limit: number): Promise<ChainedEntry[]> {
    return await this.select(filter, 'seq < $6', filter.before ?? Number.MAX_SAFE_INTEGER, 'DESC', limit);
  }

  /** All of them, the oldest first, a page at a time. */
  async *pages(filter: AuditFilter): AsyncGenerator<readonly ChainedEntry[]> {
    let last: ChainedEntry | undefined;
    do {
      const page = await this.select(filter, 'seq > $6', last?.seq ?? 0, 'ASC', PAGE);
      last = page.at(-1);
      if (last !== undefined) yield page;
    } while (last !== undefined);
  }

  /** Goes over the whole chain. Whoever asks while it is gone over gets the same answer. */
  async verify(): Promise<Verification> {
    this.verifying ??= this.walk().finally(() => (this.verifying = null));
    return await this.verifying;
  }

  /** Of an entry that is there still; null: there is none of that number. */
  async hashAt(seq: number): Promise<string | null> {
    const [row] = await this.dataSource.query<{ hash: Buffer }[]>(
      `SELECT hash FROM audit_log WHERE seq = $1 UNION ALL SELECT hash FROM audit_anchor WHERE seq = $1`,
      [seq],
    );
    return row?.hash.toString('hex') ?? null;
  }

  /** Takes away what is older, and says so in the chain, which begins after it from then on. How many entries went. */
  async forget(olderThan: Date, now: Date): Promise<number> {
    return await this.dataSource.transaction(async (manager) => {
      await this.lockedEnd(manager);
      const [last] = await manager.query<{ seq: string; hash: Buffer }[]>(
        `SELECT seq, hash FROM audit_log
         WHERE seq < COALESCE((SELECT min(seq) FROM audit_log WHERE at >= $1), 9223372036854775807)
         ORDER BY seq DESC LIMIT 1`,
        [olderThan],
      );
      if (last === undefined) return 0;
      const after = { through: Number(last.seq), digest: last.hash.toString('hex') };
      await this.append(manager, [{ ...BY_ITSELF, at: now, operation: RETENTION, after }]);
      await manager.query(
        `INSERT INTO audit_anchor (seq, hash) VALUES ($1, $2)
         ON CONFLICT (single) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`,
        [last.seq, last.hash],
      );
      const [, gone] = await manager.query<[unknown, number]>('DELETE FROM audit_log WHERE seq <= $1', [last.seq]);
      return gone;
    });
  }

  private async select(
    { actor, entity, from, to, before }: AuditFilter,
    place: string,
    seq: number,
    order: 'ASC' | 'DESC',
    limit: number,
  ): Promise<ChainedEntry[]> {
    const rows = await this.dataSource.query<Row[]>(
      `SELECT ${COLUMNS} FROM audit_log
       WHERE ($1::text IS NULL OR actor = $1)
         AND ($2::text IS NULL OR entity = $2 OR starts_with(entity, $2 || '/'))
         AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
         AND ($5::bigint IS NULL OR seq < $5) AND ${place}
       ORDER BY seq ${order} LIMIT $7`,
      [...[actor, entity, from, to, before].map((value) => value ?? null), seq, limit],
    );
    return rows.map(entryOf);
  }

  private async lockedEnd(manager: EntityManager): Promise<ChainEnd> {
    await manager.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const [end] = await manager.query<{ seq: string; hash: Buffer }[]>(
      `SELECT seq, hash FROM audit_log UNION ALL SELECT seq, hash FROM audit_anchor ORDER BY seq DESC LIMIT 1`,
    );
    return end === undefined ? GENESIS : { seq: Number(end.seq), hash: end.hash };
  }

  private async walk(): Promise<Verification> {
    return await this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const anchor = await anchorIn(manager);
      let end = anchor.end;
      let brokenAt = anchor.broken;
      while (brokenAt === null) {
        const rows = await manager.query<Row[]>(
          `SELECT ${COLUMNS} FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2`,
          [end.seq, PAGE],
        );
        const entries = rows.map(entryOf);
        brokenAt = breakIn(entries, end);
        const last = entries.at(-1);
        if (last === undefined || brokenAt !== null) break;
        end = last;
      }
      const checked = (brokenAt === null ? end.seq : Math.max(brokenAt.seq - 1, anchor.end.seq)) - anchor.end.seq;
      const head = { seq: end.seq, hash: end.hash.toString('hex') };
      return { ok: brokenAt === null, checked, after: anchor.end.seq, head, brokenAt };
    });
  }
}

/** Where the chain begins. What retention took away is written in the chain itself, so it cannot be made up beside it. */
async function anchorIn(manager: EntityManager): Promise<{ end: ChainEnd; broken: Break | null }> {
  const [anchor] = await manager.query<{ seq: string; hash: Buffer }[]>('SELECT seq, hash FROM audit_anchor');
  const [told] = await manager.query<{ after: { through?: number; digest?: string } }[]>(
    'SELECT after FROM audit_log WHERE operation = $1 ORDER BY seq DESC LIMIT 1',
    [RETENTION],
  );
  const end = anchor === undefined ? GENESIS : { seq: Number(anchor.seq), hash: anchor.hash };
  const { through = 0, digest = GENESIS.hash.toString('hex') } = told?.after ?? {};
  if (end.seq === through && end.hash.toString('hex') === digest) return { end, broken: null };
  return { end, broken: { seq: end.seq + 1, reason: 'the log does not begin where retention left it' } };
}

async function insert(manager: EntityManager, entry: ChainedEntry): Promise<void> {
  const { seq, hash, at, actor, credential, clientIp, userAgent, operation, entity, outcome, status, requestId } =
    entry;
  const values = [seq, hash, at, actor, credential, clientIp, userAgent, operation, entity];
  await manager.query(
    `INSERT INTO audit_log (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [...values, jsonOf(entry.before), jsonOf(entry.after), outcome, status, requestId],
  );
}

function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function entryOf(row: Row): ChainedEntry {
  const { seq, client_ip: clientIp, user_agent: userAgent, request_id: requestId, ...same } = row;
  return { ...same, seq: Number(seq), clientIp, userAgent, requestId };
}
