import { Checks } from '../compile/checks.js';
import { compile } from '../compile/compile.js';
import { type Config } from '../compile/config.js';
import { Files } from '../files.js';
import { deepFreeze } from '../freeze.js';
import { type LoadedConfig, type LoadOptions, placesOf } from '../load.js';
import { type Declared } from '../model/root.js';
import { portable, unportable } from '../secrets/portable.js';

/** Consumers in one piece: as many as are copied within some milliseconds. */
const MOST_CONSUMERS = 1_000;

/** A part of a declared configuration, fit to be sent to another thread. */
export type Piece = { readonly rest: unknown } | { readonly consumers: readonly unknown[] };

/** A configuration in pieces, each made when it is asked for, so that whoever sends them can do something else in between. */
export function* piecesOf({ declared }: Config): Generator<Piece> {
  const { consumers } = declared.auth;
  yield { rest: portable({ ...declared, auth: { ...declared.auth, consumers: [] } }) };
  for (let from = 0; from < consumers.length; from += MOST_CONSUMERS) {
    yield { consumers: consumers.slice(from, from + MOST_CONSUMERS).map(portable) };
  }
}

/** What `piecesOf` took apart. */
export function fromPieces(pieces: readonly Piece[], options: LoadOptions): LoadedConfig {
  const consumers: unknown[] = [];
  let rest: Declared | undefined;
  for (const piece of pieces) {
    if ('rest' in piece) rest = unportable(piece.rest) as Declared;
    else consumers.push(...piece.consumers.map(unportable));
  }
  if (rest === undefined) throw new TypeError('the first piece is missing');
  const declared = { ...rest, auth: { ...rest.auth, consumers: consumers as Declared['auth']['consumers'] } };
  const { places, env } = placesOf(options);
  const config = compile(declared, new Checks(new Files(places, env)));
  return { ok: true, config: deepFreeze(config), hash: '', warnings: [], files: [] };
}
