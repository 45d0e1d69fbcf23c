import { stringify } from 'yaml';
import { root } from '../model/root.js';
import { type FieldInfo, type Part, type Schema } from '../schema/schema.js';
import { INTRODUCTION } from './introduction.js';

/** docs/configuration.md: every key with its type, default, meaning and an example. */
export function configurationReference(): string {
  const sections = root.parts().map(({ suffix, schema, field }) => {
    const key = suffix.slice(1);
    return [`## ${key}`, field?.doc ?? '', ...tables(key, schema)].join('\n\n');
  });
  return [INTRODUCTION, ...sections, ''].join('\n\n');
}

/** The table of a map, then those of the maps in it. */
function tables(path: string, schema: Schema<unknown>): readonly string[] {
  const parts = schema.parts();
  const fields = parts.filter(({ field }) => field !== undefined);
  const rows = fields.map((part) => row(part));
  const own =
    rows.length === 0 ? [] : [['| Key | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')];
  const below = parts.flatMap(({ suffix, schema: inner, field }) => {
    if (inner.parts().length === 0) return [];
    const at = `${path}${suffix}`;
    const nested = tables(at, inner);
    // A list or a map of names has no table of its own: its entries have.
    const title = inner.parts().some((part) => part.field !== undefined) ? [`### ${at}`] : [];
    return [...title, ...(title.length > 0 && field !== undefined ? [field.doc] : []), ...nested];
  });
  return [...own, ...below];
}

function row({ suffix, schema, field }: Part): string {
  const { doc, example } = field ?? { doc: '' };
  const shown = example === undefined ? '' : ` Example: ${code(example)}`;
  const cells = [`\`${suffix.slice(1)}\``, schema.words, defaultOf(field), doc + shown];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf(field: FieldInfo | undefined): string {
  if (field?.presence === 'required') return '**needed**';
  if (field?.presence !== 'default') return '';
  const empty = typeof field.default === 'object' && Object.keys(field.default ?? {}).length === 0;
  return empty && !Array.isArray(field.default) ? 'as below' : code(field.default);
}

function code(value: unknown): string {
  return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()}\``;
}
