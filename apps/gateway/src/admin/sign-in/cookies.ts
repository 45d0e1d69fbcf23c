import { type Response } from 'express';
import { cookieIn, cookieName, type SignInUnderWay } from '#auth';
import { clientIsSecure, type Exchange } from '#kernel';

const UNDER_WAY = 'aegis_login';

/** What the browser keeps while its person is at the issuer, and where they want to be afterwards. */
export interface BegunHere extends SignInUnderWay {
  readonly returnTo: string;
}

/** `Lax`, because the issuer sends the browser back from its own site; what changes something asks for more than a cookie. */
export function setCookie(exchange: Exchange, res: Response, name: string, value: string, maxAge: number): void {
  const secure = clientIsSecure(exchange);
  res.cookie(cookieName(exchange, name), value, { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge });
}

export function setUnderWay(exchange: Exchange, res: Response, begun: BegunHere, maxAge: number): void {
  setCookie(exchange, res, UNDER_WAY, Buffer.from(JSON.stringify(begun)).toString('base64url'), maxAge);
}

export function clearUnderWay(exchange: Exchange, res: Response): void {
  setCookie(exchange, res, UNDER_WAY, '', 0);
}

/** null: there is none, or none that we wrote. */
export function underWayIn(exchange: Exchange): BegunHere | null {
  try {
    const text = Buffer.from(cookieIn(exchange, UNDER_WAY) ?? '', 'base64url').toString();
    const value = JSON.parse(text) as Partial<BegunHere> | null;
    const all = [value?.state, value?.nonce, value?.verifier, value?.returnTo];
    return all.every((each) => typeof each === 'string' && each !== '') ? (value as BegunHere) : null;
  } catch {
    return null;
  }
}
