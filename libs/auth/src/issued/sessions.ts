import { type DataSource, type EntityManager } from 'typeorm';
import { SIGN_IN } from '../oauth2/sign-in.js';

/** Somebody who is signed in: in a browser, or with the tokens of one grant. */
export interface Session {
  readonly id: string;
  readonly kind: 'browser' | 'tokens';
  readonly consumer: string;
  /** The person, where an issuer names one. */
  readonly user: string | null;
  readonly by: 'issuer' | 'key';
  /** As the issuer told of them at the sign-in; null: those that the consumer has. */
  readonly roles: readonly string[] | null;
  readonly since: Date;
  readonly renewedAt: Date;
  readonly expiresAt: Date;
}

/** By what was shown; not to be told to anybody. */
export interface GivenSession extends Session {
  readonly credential: string;
}

/** Whose: all that is given has to fit. */
export interface Whose {
  readonly id?: string | undefined;
  readonly consumer?: string | undefined;
  readonly user?: string | undefined;
}

interface Row {
  readonly id: string;
  readonly browser: boolean;
  readonly consumer: string;
  readonly user_name: string | null;
  readonly credential: string;
  readonly roles: string[] | null;
  readonly renewed_at: Date;
  readonly expires_at: Date;
}

/**
 * Who renews takes it with others, who ends sessions takes it alone: tokens that are being renewed at that moment would
 * not be seen otherwise.
 */
const LOCK = 0x61656773;
export const WHILE_RENEWING = `SELECT pg_advisory_xact_lock_shared(${LOCK})`;
const WHILE_ENDING = `SELECT pg_advisory_xact_lock(${LOCK})`;

const LIVING = `issued_tokens t LEFT JOIN consumers o ON o.id = t.consumer_id LEFT JOIN credentials c ON c.id = t.credential_id
  WHERE t.revoked_at IS NULL AND t.expires_at > now()
    AND (c.id IS NULL OR (c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())))
    AND ($1::uuid IS NULL OR t.family = $1) AND ($2::text IS NULL OR coalesce(o.name, t.consumer) = $2)
    AND ($3::text IS NULL OR t.user_name = $3)`;

/** Who is signed in by what Aegis gave: sessions, and tokens with all that came from the same grant. */
export class Sessions {
  constructor(private readonly dataSource: DataSource) {}

  /** The newest first; `before`: those that are older than this one. */
  async list(whose: Whose, limit: number, before: string | null): Promise<GivenSession[]> {
    return await read(this.dataSource.manager, whose, limit, before);
  }

  /** Those that ended by this. No instance takes any token of theirs after two seconds, nor renews one from now on. */
  async end(manager: EntityManager, whose: Whose, told: number): Promise<{ ended: number; first: readonly Session[] }> {
    await manager.query(WHILE_ENDING);
    const first = await read(manager, whose, told, null);
    const [count] = await manager.query<{ ended: number }[]>(
      `WITH gone AS (UPDATE issued_tokens SET revoked_at = now() WHERE revoked_at IS NULL
         AND family IN (SELECT t.family FROM ${LIVING}) RETURNING family)
       SELECT count(DISTINCT family)::int AS ended FROM gone`,
      asked(whose),
    );
    return { ended: count?.ended ?? 0, first: first.map(shown) };
  }
}

async function read(
  manager: EntityManager,
  whose: Whose,
  limit: number,
  before: string | null,
): Promise<GivenSession[]> {
  const rows = await manager.query<Row[]>(
    `SELECT t.family AS id, bool_or(t.kind = 'session') AS browser, min(coalesce(o.name, t.consumer)) AS consumer,
            min(t.user_name) AS user_name, min(t.credential) AS credential, min(t.roles) AS roles,
            max(t.created_at) AS renewed_at, max(least(t.expires_at, c.expires_at)) AS expires_at
     FROM ${LIVING} AND ($4::uuid IS NULL OR t.family < $4)
     GROUP BY t.family ORDER BY t.family DESC LIMIT $5`,
    [...asked(whose), before, limit],
  );
  return rows.map(({ id, browser, consumer, user_name: user, credential, roles, ...when }) => ({
    id,
    kind: browser ? 'browser' : 'tokens',
    consumer,
    user,
    credential,
    by: credential === SIGN_IN ? 'issuer' : 'key',
    roles: credential === SIGN_IN ? roles : null,
    since: new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)),
    renewedAt: when.renewed_at,
    expiresAt: when.expires_at,
  }));
}

export function shown({ credential: _, ...session }: GivenSession): Session {
  return session;
}

function asked({ id, consumer, user }: Whose): (string | null)[] {
  return [id ?? null, consumer ?? null, user ?? null];
}
