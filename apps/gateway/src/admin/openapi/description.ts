import { type ErrorCode } from '#kernel';
import { type Members, type Shape } from './shapes.js';

/** Bodies by their media type. */
export type Contents = Readonly<Record<string, Shape>>;

export interface Answer {
  readonly says: string;
  readonly content?: Contents;
  /** Names of fields that it has, from `FIELDS`. */
  readonly fields?: readonly FieldName[];
}

/** What the document tells of an operation, beside what its controller says: method, path and permission. */
export interface Description {
  /** In a few words; a headline. */
  readonly summary: string;
  readonly more?: string;
  /** Of each parameter in the path. */
  readonly path?: Members;
  readonly query?: Members;
  /** It takes `If-Match` and `If-None-Match`. */
  readonly conditional?: boolean;
  /** It may be asked for again with the `ETag` that came along, and is then perhaps 304. Default: what is read so. */
  readonly revalidated?: boolean;
  readonly body?: { readonly content: Contents; readonly needed?: boolean; readonly example?: unknown };
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** What it refuses, beside what all of its kind refuse. */
  readonly problems?: readonly ErrorCode[];
}

/** Operations that belong together, each by its method and path as the controller has them. */
export interface Chapter {
  readonly title: string;
  readonly about: string;
  readonly operations: Readonly<Record<string, Description>>;
}

export const FIELDS = {
  ETag: 'Which version this is: send it back as `If-Match`.',
  Location: 'Where the new one is.',
  'Content-Disposition': 'The name of a file to save it in.',
  'Set-Cookie': 'The session.',
} as const;
export type FieldName = keyof typeof FIELDS;

export function json(content: Shape): Contents {
  return { 'application/json': content };
}

export function answer(says: string, content?: Shape, fields: readonly FieldName[] = []): Answer {
  return { says, ...(content !== undefined && { content: json(content) }), fields };
}
