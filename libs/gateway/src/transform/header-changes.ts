import { type HeaderChanges } from '#config';
import { FieldNames, removeFields } from './field-names.js';

/**
 * Header changes happen in the order remove, set, add: what is set is there once, what is added stands beside what was
 * there, as a field of its own. Which fields frame the message and cannot be changed is decided where the configuration is
 * read (`checkForwardedName`).
 */
export interface RequestHeaderChanges {
  /** What does not go on, be it the client's or one that Aegis would add. */
  readonly drops: FieldNames;
  /** `name: value` lines, each with its CRLF. */
  readonly lines: string;
}

/** In the form that a pass over the client's fields can use; null when nothing changes. */
export function compileRequestHeaders(changes: HeaderChanges): RequestHeaderChanges | null {
  const { drops, adds } = compile(changes);
  if (drops.size === 0 && adds.length === 0) return null;
  let lines = '';
  for (let i = 0; i < adds.length; i += 2) lines += `${adds[i] ?? ''}: ${adds[i + 1] ?? ''}\r\n`;
  return { drops, lines };
}

/** Changes a flat list of fields (name, value, name, value …) in place. */
export type ResponseHeaderChange = (fields: string[]) => void;

export function compileResponseHeaders(changes: HeaderChanges): ResponseHeaderChange | null {
  const { drops, adds } = compile(changes);
  if (drops.size === 0) return adds.length === 0 ? null : (fields) => void fields.push(...adds);
  return (fields) => {
    removeFields(fields, drops);
    fields.push(...adds);
  };
}

function compile({ set, add, remove }: HeaderChanges): { drops: FieldNames; adds: string[] } {
  return {
    drops: new FieldNames([...remove, ...Object.keys(set)]),
    adds: [...Object.entries(set), ...Object.entries(add)].flat(),
  };
}
