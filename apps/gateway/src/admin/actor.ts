import { type Request } from 'express';
import { type Actor } from '../dynamic/config-changes.js';
import { exchangeOf } from '../reserved-paths.js';

/** Whom the guard has let in. */
export function actorOf(req: Request): Actor {
  const exchange = exchangeOf(req);
  return { name: exchange.principal?.consumer ?? '', exchange };
}
