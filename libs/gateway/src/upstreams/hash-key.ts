import { type UpstreamConfig } from '#config';
import { type Exchange } from '#kernel';

/** What a request is kept together by with `balance: hash`. Without the header, cookie or consumer it is the client's address. */
export function compileHashKey(hashOn: NonNullable<UpstreamConfig['hashOn']>): (exchange: Exchange) => string {
  switch (hashOn.kind) {
    case 'ip':
      return ({ clientIp }) => clientIp;
    case 'path':
      return ({ path }) => path;
    case 'consumer':
      return ({ principal, clientIp }) => principal?.consumer ?? clientIp;
    case 'header': {
      const { name } = hashOn;
      return ({ req, clientIp }) => {
        const value = req.headers[name];
        return typeof value === 'string' && value !== '' ? value : clientIp;
      };
    }
    case 'cookie': {
      const { name } = hashOn;
      return ({ req, clientIp }) => cookieOf(req.headers.cookie, name) ?? clientIp;
    }
  }
}

function cookieOf(cookies: string | undefined, name: string): string | undefined {
  for (const pair of cookies?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
