import { type Response } from 'express';
import { cookieIn, cookieName, type SignInUnderWay } from '#auth';
import { clientIsSecure, type Exchange } from '#kernel';

const UNDER_WAY = 'aegis_login';
/** Browsers keep 4096 bytes, name and attributes included. */
const LARGEST = 3500;

/** What the browser keeps while its person is at the issuer, and where they want to be afterwards. */
export interface BegunHere extends SignInUnderWay {
  readonly returnTo: string;
}

/** `Lax`, because the issuer sends the browser back from its own site; what changes something asks for more than a cookie. */
export function setCookie(exchange: Exchange, res: Response, name: string, value: string, maxAge: number): void {
  const secure = clientIsSecure(exchange);
  res.cookie(cookieName(exchange, name), value, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge });
}

/** Beside those that were begun in other tabs, as far as there is room for them: the last ones stay. */
export function setUnderWay(exchange: Exchange, res: Response, begun: BegunHere, maxAge: number): void {
  let all = [...underWayIn(exchange), begun];
  while (all.length > 1 && written(all).length > LARGEST) all = all.slice(1);
  setCookie(exchange, res, UNDER_WAY, written(all), maxAge);
}

/** The one that has come back is over; those of other tabs go on. */
export function clearUnderWay(exchange: Exchange, res: Response, over: string | null, maxAge: number): void {
  const all = underWayIn(exchange);
  const left = all.filter(({ state }) => state !== over);
  if (left.length === all.length) return;
  if (left.length === 0) setCookie(exchange, res, UNDER_WAY, '', 0);
  else setCookie(exchange, res, UNDER_WAY, written(left), maxAge);
}

/** Empty: there is none, or none that we wrote. */
export function underWayIn(exchange: Exchange): readonly BegunHere[] {
  try {
    const text = Buffer.from(cookieIn(exchange, UNDER_WAY) ?? '', 'base64url').toString();
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isBegun) : [];
  } catch {
    return [];
  }
}

function isBegun(value: Partial<BegunHere> | null): value is BegunHere {
  const all = [value?.state, value?.nonce, value?.verifier, value?.returnTo];
  return all.every((each) => typeof each === 'string' && each !== '');
}

function written(all: readonly BegunHere[]): string {
  return Buffer.from(JSON.stringify(all)).toString('base64url');
}
