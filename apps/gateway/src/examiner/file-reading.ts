import {
  type Expression,
  loadConfig,
  type LoadedConfig,
  type LoadOptions,
  loadUnexamined,
  type Piece,
  piecesOf,
  type RefusedConfig,
} from '#config';

/** What a thread says of a file: all of it in pieces, and then what else is known; or what is wrong with it. */
export type OfFile =
  | { readonly piece: Piece }
  | {
      readonly right: Pick<LoadedConfig, 'hash' | 'warnings' | 'files'>;
      /** Nobody has looked at them yet. */
      readonly expressions: readonly Expression[];
    }
  | { readonly wrong: RefusedConfig };

/** What is asked of a thread that is to read a file, and not to examine documents. */
export interface FileToRead {
  readonly read: LoadOptions;
}

/** On the thread. */
export async function readFile(options: LoadOptions, say: (part: OfFile) => void): Promise<void> {
  const { result, expressions } = loadUnexamined(options);
  const whole = result.ok ? result : await loadConfig(options);
  if (!whole.ok) {
    say({ wrong: whole });
    return;
  }
  for (const piece of piecesOf(whole.config)) say({ piece });
  const { hash, warnings, files } = whole;
  say({ right: { hash, warnings, files }, expressions });
}
