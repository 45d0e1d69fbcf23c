import { createHash, scryptSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { FIXED, OF_OWNER } from '#auth';
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
  /** Of what is given for it. It is stored, and costs too much to make for guessing a key that somebody thought up. */
  private readonly credential: string;

  constructor(key: string | undefined) {
    this.digest = key === undefined || key === '' ? null : sha256(key);
    const mark = this.digest === null ? '' : scryptSync(this.digest, 'aegis admin key', 16).toString('hex');
    this.credential = `${OF_OWNER}${mark}`;
  }

  /** As whom a session or token is given. */
  holderOf(principal: Principal): Principal {
    return principal === OWNER ? { ...OWNER, credential: this.credential } : principal;
  }

  /** Whether it is a session or token that was given for the key that there was before this one. */
  isOfAnother(principal: Principal | null): boolean {
    const credential = principal?.credential ?? '';
    return credential.startsWith(FIXED + OF_OWNER) && credential !== FIXED + this.credential;
  }

  sentIn({ headers }: Pick<ClientRequest, 'headers'>): boolean {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return [headers['x-api-key'], bearer].some((key) => typeof key === 'string' && this.is(key));
  }

  /** Whether what was given by this credential is good: it is not of the key before this one. */
  stillGave(credential: string): boolean {
    return !credential.startsWith(OF_OWNER) || credential === this.credential;
  }

  /** Digests of equal length are compared, so how long it takes tells a guesser nothing. */
  is(key: string): boolean {
    return this.digest !== null && timingSafeEqual(sha256(key), this.digest);
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
