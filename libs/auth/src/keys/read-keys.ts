import { type DataSource } from 'typeorm';
import { type Principal } from '#kernel';
import { BoundedMap } from '../bounded-map.js';
import { DECLARED } from '../consumers/declared.js';
import { FIXED, FIXED_BY_ISSUER, OF_OWNER } from '../issued/fixed.js';
import { SIGN_IN } from '../oauth2/sign-in.js';
import { type ReadKeys, type StoredKey } from './stored-keys.js';

/** There is an epoch also when none of the keys is there. */
interface None {
  readonly epoch: string;
  readonly hash: null;
}

interface Row {
  readonly epoch: string;
  readonly id: string;
  readonly hash: Buffer;
  readonly scopes: string[];
  readonly expires_at: Date | null;
  readonly to_note: boolean;
  readonly consumer_id: string | null;
  readonly consumer: string;
  readonly plan: string | null;
  readonly roles: string[] | null;
  readonly credential: string;
  readonly user_name: string | null;
}

/**
 * Reads API keys by their hashes, and notes, to ten minutes, when they were last used. A token that Aegis gave is read like
 * a key: it is good for as long as the credential is that it was given for.
 */
export function readKeysFrom(dataSource: DataSource): ReadKeys {
  return async (hashes) => {
    // One statement, so that the epoch is that of what was read.
    const rows = await dataSource.query<(Row | None)[]>(
      `SELECT h.epoch, k.* FROM keys_head h LEFT JOIN (
       SELECT c.id, c.hash, c.scopes, c.expires_at, o.id AS consumer_id, o.name AS consumer, o.plan, o.roles,
              c.id::text AS credential, NULL AS user_name,
              (c.last_used_at IS NULL OR c.last_used_at < now() - interval '10 minutes') AS to_note
       FROM credentials c JOIN consumers o ON o.id = c.consumer_id
       WHERE c.hash = ANY ($1::bytea[]) AND c.kind = 'api-key'
         AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())
       UNION ALL
       SELECT t.id, t.hash, t.scopes, least(t.expires_at, c.expires_at), o.id, coalesce(o.name, t.consumer), o.plan,
              coalesce(o.roles, t.roles),
              CASE WHEN t.roles IS NULL THEN t.credential
                   WHEN t.credential LIKE '${DECLARED}%' OR t.credential LIKE '${OF_OWNER}%' THEN '${FIXED}' || t.credential
                   WHEN t.credential = '${SIGN_IN}' THEN '${FIXED_BY_ISSUER}' || t.id
                   ELSE '${FIXED}' || t.id END, t.user_name, false
       FROM issued_tokens t LEFT JOIN consumers o ON o.id = t.consumer_id LEFT JOIN credentials c ON c.id = t.credential_id
       WHERE t.hash = ANY ($1::bytea[]) AND t.kind IN ('access', 'session') AND t.revoked_at IS NULL
         AND t.expires_at > now()
         AND (c.id IS NULL OR (c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())))
       ) k ON true`,
      [hashes.map((hash) => Buffer.from(hash, 'hex'))],
    );
    const [first] = rows;
    if (first === undefined) throw new Error('the epoch of the keys is missing from the database');
    const found = rows.filter((row) => row.hash !== null);
    const used = found.filter((row) => row.to_note).map((row) => row.id);
    if (used.length > 0) {
      // Worth knowing, never worth a failed request.
      dataSource
        .query('UPDATE credentials SET last_used_at = now() WHERE id = ANY ($1::uuid[])', [used])
        .catch(() => undefined);
    }
    return { epoch: first.epoch, keys: found.map(keyOf) };
  };
}

function keyOf(row: Row): StoredKey {
  return {
    hash: row.hash.toString('hex'),
    expiresAt: row.expires_at?.getTime() ?? Infinity,
    principal: {
      consumer: row.consumer,
      id: row.consumer_id ?? row.consumer,
      roles: shared(row.roles ?? []),
      scopes: shared(row.scopes),
      plan: row.plan,
      credential: row.credential,
      user: row.user_name,
      claims: NO_CLAIMS,
    },
  };
}

const NO_CLAIMS: Principal['claims'] = Object.freeze({});
const lists = new BoundedMap<string, readonly string[]>(1_000);

/** Many keys have the same roles and scopes: one list of them for all. */
function shared(list: readonly string[]): readonly string[] {
  const text = JSON.stringify(list);
  const known = lists.get(text);
  if (known !== undefined) return known;
  lists.set(text, list);
  return list;
}
