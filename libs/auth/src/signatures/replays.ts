import { type Cluster, type Redis } from 'ioredis';
import { type Clock, Refusal } from '#kernel';

/** Signatures that were used, for as long as they would be taken again. */
export interface Replays {
  /** Whether it is the first time; from then on it is not, for so many milliseconds. */
  first(id: string, ms: number): boolean | Promise<boolean>;
}

const MOST = 500_000;

/**
 * In this process. Nothing is forgotten before its time: who has a good key could otherwise make room for a replay, so
 * when it is full no signature is taken.
 */
export class MemoryReplays implements Replays {
  /** By the time at which they may be forgotten, in steps. */
  private readonly steps = new Map<number, Set<string>>();
  private size = 0;

  constructor(
    private readonly clock: Clock,
    private readonly most = MOST,
  ) {}

  first(id: string, ms: number): boolean {
    const now = this.clock.monotonic();
    this.forget(now);
    for (const ids of this.steps.values()) if (ids.has(id)) return false;
    if (this.size >= this.most) {
      throw new Refusal('overloaded', 'More signatures are remembered than there is room for. Redis has more room.', {
        'Retry-After': '10',
      });
    }
    const step = Math.ceil((now + ms) / STEP_MS);
    const ids = this.steps.get(step);
    if (ids === undefined) this.steps.set(step, new Set([id]));
    else ids.add(id);
    this.size++;
    return true;
  }

  private forget(now: number): void {
    for (const [step, ids] of this.steps) {
      if (step * STEP_MS > now) continue;
      this.steps.delete(step);
      this.size -= ids.size;
    }
  }
}

const STEP_MS = 60_000;

/** For all instances. */
export class RedisReplays implements Replays {
  constructor(private readonly redis: Redis | Cluster) {}

  async first(id: string, ms: number): Promise<boolean> {
    try {
      return (await this.redis.set(`auth:replay:{${id}}`, '1', 'PX', Math.ceil(ms), 'NX')) === 'OK';
    } catch {
      throw new Refusal(
        'store_unavailable',
        'Redis, which knows the signatures that were used, cannot be reached now.',
      );
    }
  }
}
