import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Clock, type Principal } from '#kernel';
import { AWAY, StoreBreaker } from '#rate-limit';
import { type SharedKeys, type StoredKey } from './stored-keys.js';

/** What is needed of a Redis connection, single, Sentinel or Cluster: ioredis has it. Prefixes of keys are its affair. */
export interface KeyCommands {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, px: 'PX', milliseconds: number): Promise<unknown>;
}

/** A request that comes when Redis begins to hang waits so long, and none after it until Redis is back. */
const PATIENCE_MS = 25;
const KEPT_MS = 300_000;
/** Of what is written. Instances of different versions of Aegis do not read each other's. */
const FORMAT = '1';
const MAC_CHARACTERS = 43;
const LONGEST = 64 * 1024;

type Written = [
  consumer: string,
  id: string,
  roles: string[],
  scopes: string[],
  plan: string | null,
  credential: string,
  user: string | null,
  expiresAt: number | null,
];

/**
 * Keeps in Redis what one instance has read of a key, under `auth:apikey:{hash}`: whose it is, never the key. Each entry
 * is sealed with the epoch of the database that it was read in. Redis does not know the epoch, so nobody makes an entry
 * there that counts, and when a key is revoked, all that was written before counts no more, whether it could be deleted
 * or not. Redis away is nothing found.
 */
export class RedisKeys implements SharedKeys {
  private readonly breaker: StoreBreaker<string>;

  constructor(
    private readonly redis: KeyCommands,
    private readonly clock: Clock,
  ) {
    this.breaker = new StoreBreaker({
      patience: PATIENCE_MS,
      probe: async (name) => {
        await redis.get(name);
      },
      now: () => clock.now(),
      // The limits and the connection itself say it.
      onChange: () => undefined,
    });
  }

  async find(hashes: readonly string[], epoch: string): Promise<readonly StoredKey[]> {
    if (this.breaker.isOpen) return [];
    const found = await Promise.all(hashes.map((hash) => this.read(hash, epoch)));
    return found.filter((key) => key !== null);
  }

  /** Nobody waits for it. */
  keep(keys: readonly StoredKey[], epoch: string): void {
    for (const key of keys) {
      if (this.breaker.isOpen) return;
      const ms = Math.min(key.expiresAt - this.clock.now(), KEPT_MS);
      if (ms < 1) continue;
      this.redis.set(nameOf(key.hash), encode(key, epoch), 'PX', Math.floor(ms)).catch(() => undefined);
    }
  }

  close(): void {
    this.breaker.stop();
  }

  private async read(hash: string, epoch: string): Promise<StoredKey | null> {
    const name = nameOf(hash);
    const value = await this.breaker.call(name, () => this.redis.get(name));
    return value === AWAY || value === null ? null : decode(value, hash, epoch, this.clock.now());
  }
}

function nameOf(hash: string): string {
  return `auth:apikey:{${hash}}`;
}

function encode({ hash, principal, expiresAt }: StoredKey, epoch: string): string {
  const { consumer, id, roles, scopes, plan, credential, user } = principal;
  const end = Number.isFinite(expiresAt) ? expiresAt : null;
  const text = JSON.stringify([consumer, id, roles, scopes, plan, credential, user, end]);
  return seal(text, hash, epoch).toString('base64url') + text;
}

/** null: it was not written by one of us in this epoch, or not for this key, or it is over. */
function decode(value: string, hash: string, epoch: string, now: number): StoredKey | null {
  if (value.length <= MAC_CHARACTERS || value.length > LONGEST) return null;
  const said = Buffer.from(value.slice(0, MAC_CHARACTERS), 'base64url');
  const text = value.slice(MAC_CHARACTERS);
  const right = seal(text, hash, epoch);
  if (said.length !== right.length || !timingSafeEqual(said, right)) return null;
  const [consumer, id, roles, scopes, plan, credential, user, end] = JSON.parse(text) as Written;
  const expiresAt = end ?? Infinity;
  if (expiresAt <= now) return null;
  const principal: Principal = { consumer, id, roles, scopes, plan, credential, user, claims: {} };
  return { hash, principal, expiresAt };
}

function seal(text: string, hash: string, epoch: string): Buffer {
  return createHmac('sha256', epoch).update(`${FORMAT}\n${hash}\n${text}`).digest();
}
