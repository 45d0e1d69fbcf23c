import { type EntityKind, type LoadOptions, type Piece } from '#config';
import { type ErrorCode, type FieldError } from '#kernel';
import { type StoredEntity } from '../dynamic/entity-set.js';

/** Where the file is that pieces come from, and nothing of the environment. */
export type Places = Required<Pick<LoadOptions, 'file' | 'dataDir' | 'cwd'>>;

/** A whole configuration as somebody sent it. */
export interface SentDocument {
  readonly yaml: boolean;
  readonly bytes: Uint8Array;
}

/** To the thread. What it is told of the configuration, it keeps for the documents to come. */
export type Told =
  | { readonly kind: 'file'; readonly piece: Piece }
  | { readonly kind: 'whole file'; readonly places: Places }
  | { readonly kind: 'entities'; readonly some: readonly StoredEntity[] }
  | { readonly kind: 'all entities'; readonly version: number; readonly gone: readonly string[] }
  | { readonly kind: 'document'; readonly document: SentDocument };

/** What is to be done to one entity; null: it goes. */
export interface Wanted {
  readonly kind: EntityKind;
  readonly name: string;
  readonly after: StoredEntity['spec'] | null;
}

/** A regular expression of an entity that is new or another: nobody has looked yet how long it may take. */
export interface NewExpression {
  readonly entity: string;
  readonly path: string;
  readonly source: string;
}

export interface Examined {
  readonly wanted: readonly Wanted[];
  /** How many entities stay as they are. */
  readonly unchanged: number;
  readonly expressions: readonly NewExpression[];
}

/** From the thread. */
export type Said =
  | { readonly examined: Examined }
  | { readonly refused: { readonly code: ErrorCode; readonly detail: string; readonly errors: readonly FieldError[] } }
  | { readonly failed: string };
