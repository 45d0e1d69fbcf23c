import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Exchange, otherReadingsOf, type Principal } from '#kernel';

export interface ExchangeFields {
  readonly method?: string;
  readonly path?: string;
  readonly clientIp?: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly route?: string;
  readonly principal?: Partial<Principal> & { readonly consumer: string };
}

/** An exchange as the guards find it: routed, its caller known. */
export function exchangeOf(fields: ExchangeFields = {}): Exchange {
  const req = new IncomingMessage(new Socket());
  req.method = fields.method ?? 'GET';
  Object.assign(req.headers, fields.headers);
  const exchange = new Exchange(req, new ServerResponse(req), 0, { secure: false, port: 80 }, null);
  exchange.path = fields.path ?? '/';
  exchange.otherReadings = otherReadingsOf(exchange.path);
  exchange.clientIp = fields.clientIp ?? '192.0.2.1';
  exchange.route = { name: fields.route ?? 'test' };
  if (fields.principal) exchange.principal = { ...NOBODY, ...fields.principal };
  return exchange;
}

const NOBODY = { id: '', roles: [], scopes: [], plan: null, credential: '', user: null, claims: {} };
