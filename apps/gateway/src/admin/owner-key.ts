import { createHash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ClientRequest, type Principal } from '#kernel';

/** Whoever holds the key from the environment. No configuration can take anything from it. */
export const OWNER: Principal = Object.freeze({
  consumer: 'owner',
  id: 'owner',
  roles: ['admin'],
  scopes: [],
  plan: null,
  credential: 'AEGIS_ADMIN_KEY',
  user: null,
  claims: {},
});

/** The key in `AEGIS_ADMIN_KEY`: it works without a database, and whatever else is set up. */
@Injectable()
export class OwnerKey {
  private readonly digest: Buffer | null;

  constructor(key: string | undefined) {
    this.digest = key === undefined || key === '' ? null : sha256(key);
  }

  /** Digests of equal length are compared, so how long it takes tells a guesser nothing. */
  sentIn({ headers }: Pick<ClientRequest, 'headers'>): boolean {
    const { digest } = this;
    if (digest === null) return false;
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return [headers['x-api-key'], bearer].some(
      (key) => typeof key === 'string' && timingSafeEqual(sha256(key), digest),
    );
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
