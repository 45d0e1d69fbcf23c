import { type Response } from 'express';
import { type SignInUnderWay } from '#auth';
import { clientIsSecure, type Exchange } from '#kernel';

export const UNDER_WAY_COOKIE = 'aegis_login';

/** `Lax`, because the issuer sends the browser back from its own site; what changes something asks for more than a cookie. */
export function setCookie(exchange: Exchange, res: Response, name: string, value: string, maxAge: number): void {
  res.cookie(name, value, { httpOnly: true, sameSite: 'lax', secure: clientIsSecure(exchange), path: '/', maxAge });
}

export function asCookie(underWay: SignInUnderWay): string {
  return Buffer.from(JSON.stringify(underWay)).toString('base64url');
}

/** null: there is none, or none that we wrote. */
export function underWayIn({ req }: Exchange): SignInUnderWay | null {
  const found = (req.headers.cookie ?? '').split(/; */).find((each) => each.startsWith(`${UNDER_WAY_COOKIE}=`));
  try {
    const text = Buffer.from(found?.slice(UNDER_WAY_COOKIE.length + 1) ?? '', 'base64url').toString();
    const value = JSON.parse(text) as Partial<SignInUnderWay> | null;
    const all = [value?.state, value?.nonce, value?.verifier];
    return all.every((each) => typeof each === 'string' && each !== '') ? (value as SignInUnderWay) : null;
  } catch {
    return null;
  }
}
