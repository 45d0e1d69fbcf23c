import { createHash, randomBytes } from 'node:crypto';
import { type DataSource, type EntityManager } from 'typeorm';
import { type Clock, type Principal, Refusal, uuidv7 } from '#kernel';
import { WHILE_RENEWING } from './sessions.js';

type TokenKind = 'access' | 'refresh' | 'session';

/** What a token of ours begins with: by it a person, a log filter and we ourselves know it. */
const PREFIX: Readonly<Record<TokenKind, string>> = {
  access: 'aegis_at_',
  refresh: 'aegis_rt_',
  session: 'aegis_st_',
};
export const ACCESS_PREFIX = PREFIX.access;

/** Whether it is one of ours rather than a key. */
export function isIssued(token: string): boolean {
  return Object.values(PREFIX).some((prefix) => token.startsWith(prefix));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const RANDOM_BYTES = 32;
const SWEPT_AT_ONCE = 200;

interface Lifetimes {
  /** Milliseconds. */
  readonly access: number;
  readonly refresh: number;
}

export interface TokenPair {
  readonly access: string;
  /** null: it cannot be renewed. */
  readonly refresh: string | null;
  /** Milliseconds. */
  readonly expiresIn: number;
  readonly scopes: readonly string[];
}

interface Owner {
  readonly consumer: string;
  readonly consumer_id: string | null;
  readonly credential: string;
  readonly credential_id: string | null;
  /** Of who is no consumer of the database, as they were when it was given; null: those that the consumer has. */
  readonly roles: readonly string[] | null;
  readonly scopes: readonly string[];
  readonly user_name: string | null;
}

interface RefreshRow extends Owner {
  readonly family: string;
  readonly usable: boolean;
}

/**
 * Tokens that Aegis gives. They are random and say nothing by themselves, so that a revocation holds everywhere as soon as
 * that of a key does. A refresh token works once: it comes with the next one, and whoever sends an old one ends the whole
 * family, since then two have it.
 */
export class IssuedTokens {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
  ) {}

  /** `fixed`: the roles of who is no consumer stay as they are now, and it cannot be renewed. */
  async give(principal: Principal, lifetimes: Lifetimes, fixed: boolean): Promise<TokenPair> {
    const owner = ownerOf(principal, fixed);
    return await this.inStore((manager) => this.pair(manager, owner, uuidv7(this.clock.now()), lifetimes, !fixed));
  }

  /** For a person who signed in. */
  async openSession(principal: Principal, lifetime: number): Promise<string> {
    const owner = ownerOf(principal, true);
    return await this.inStore(async (manager) => {
      await manager.query(SWEEP, [SWEPT_AT_ONCE]);
      return await this.insert(manager, 'session', owner, uuidv7(this.clock.now()), lifetime);
    });
  }

  /** The next pair; null: the token is not good, or not any more. */
  async refresh(token: string, lifetimes: Lifetimes): Promise<TokenPair | null> {
    return await this.inStore(async (manager) => {
      await manager.query(WHILE_RENEWING);
      const [row] = await manager.query<RefreshRow[]>(
        `SELECT t.*, t.revoked_at IS NULL AND t.expires_at > now()
                AND (c.id IS NULL OR (c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now()))) AS usable
         FROM issued_tokens t LEFT JOIN credentials c ON c.id = t.credential_id
         WHERE t.hash = $1 AND t.kind = 'refresh' FOR UPDATE OF t`,
        [sha256(token)],
      );
      if (row === undefined) return null;
      if (!row.usable) {
        await manager.query(REVOKE_FAMILY, [row.family]);
        return null;
      }
      await manager.query('UPDATE issued_tokens SET revoked_at = now() WHERE hash = $1', [sha256(token)]);
      return await this.pair(manager, row, row.family, lifetimes, true);
    });
  }

  /** Ends the token and all that came from the same grant; false: there is none. */
  async revoke(token: string): Promise<boolean> {
    return await this.inStore(async (manager) => {
      const [row] = await manager.query<{ family: string }[]>('SELECT family FROM issued_tokens WHERE hash = $1', [
        sha256(token),
      ]);
      if (row === undefined) return false;
      await manager.query(REVOKE_FAMILY, [row.family]);
      return true;
    });
  }

  private async pair(
    manager: EntityManager,
    owner: Owner,
    family: string,
    { access, refresh }: Lifetimes,
    renewable: boolean,
  ): Promise<TokenPair> {
    const pair = {
      access: await this.insert(manager, 'access', owner, family, access),
      refresh: renewable ? await this.insert(manager, 'refresh', owner, family, refresh) : null,
      expiresIn: access,
      scopes: owner.scopes,
    };
    await manager.query(SWEEP, [SWEPT_AT_ONCE]);
    return pair;
  }

  private async insert(
    manager: EntityManager,
    kind: TokenKind,
    owner: Owner,
    family: string,
    lifetime: number,
  ): Promise<string> {
    const token = PREFIX[kind] + randomBytes(RANDOM_BYTES).toString('base64url');
    await manager.query(
      `INSERT INTO issued_tokens
         (id, hash, kind, family, consumer, consumer_id, credential, credential_id, roles, scopes, user_name, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + $12 * interval '1 millisecond')`,
      [
        uuidv7(this.clock.now()),
        sha256(token),
        kind,
        family,
        owner.consumer,
        owner.consumer_id,
        owner.credential,
        owner.credential_id,
        owner.roles,
        owner.scopes,
        owner.user_name,
        lifetime,
      ],
    );
    return token;
  }

  private async inStore<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    try {
      return await this.dataSource.transaction(work);
    } catch {
      throw new Refusal('store_unavailable', 'The database that knows the tokens cannot be reached now.');
    }
  }
}

const REVOKE_FAMILY = 'UPDATE issued_tokens SET revoked_at = now() WHERE family = $1 AND revoked_at IS NULL';

/** Those that ended a day ago, some at a time, whenever others are given: the table stays as large as what is in use. */
const SWEEP = `DELETE FROM issued_tokens WHERE id IN
  (SELECT id FROM issued_tokens WHERE expires_at < now() - interval '1 day' LIMIT $1 FOR UPDATE SKIP LOCKED)`;

function ownerOf({ consumer, id, credential, roles, scopes, user }: Principal, fixed: boolean): Owner {
  // People at an issuer may be called like that too, but they have no credential here.
  const stored = UUID.test(credential);
  return {
    consumer,
    consumer_id: stored ? id : null,
    credential,
    credential_id: stored ? credential : null,
    roles: fixed ? roles : null,
    scopes,
    user_name: user,
  };
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
