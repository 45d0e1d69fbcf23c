import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AdminKeys } from '#storage';
import { Refusal } from '#kernel';

const REMEMBERED = 5000;
const MOST_REMEMBERED = 1000;

/** Decides whether a key opens the admin paths: the one from the environment, or one that the database knows by its hash. */
@Injectable()
export class AdminAccess {
  private readonly fromEnvironment: Buffer | null;
  /** Hash → until when it is known to be good. Only good ones: a guess costs a look-up each time. */
  private readonly known = new Map<string, number>();

  constructor(
    private readonly keys: AdminKeys,
    environmentKey: string | undefined,
  ) {
    this.fromEnvironment = environmentKey === undefined ? null : sha256(environmentKey);
  }

  async holds(key: string): Promise<boolean> {
    const hash = sha256(key);
    if (this.fromEnvironment !== null && timingSafeEqual(hash, this.fromEnvironment)) return true;
    const id = hash.toString('base64');
    const now = performance.now();
    if ((this.known.get(id) ?? 0) > now) return true;
    this.known.delete(id);
    const good = await this.keys.verify(key).catch(() => {
      throw new Refusal('store_unavailable', 'The database that knows the admin keys cannot be reached now.');
    });
    if (good) {
      if (this.known.size >= MOST_REMEMBERED) this.known.clear();
      this.known.set(id, now + REMEMBERED);
    }
    return good;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
