import {
  hasMask,
  type LoadedConfig,
  type LoadOptions,
  type MergedConfig,
  readDocument,
  readEntity,
  shownMeaning,
  showPath,
  unmasked,
  wholeMeaning,
} from '#config';
import { Refusal } from '#kernel';
import { checkDepth } from '../admin/depth.js';
import { checkTogether } from '../dynamic/check-together.js';
import { type EntitySet, idOf, type StoredEntity } from '../dynamic/entity-set.js';
import { type Examined, type NewExpression, type SentDocument, type Wanted } from './messages.js';

/** What a document is held against. */
export interface Known {
  readonly file: LoadedConfig;
  readonly options: LoadOptions;
  readonly entities: EntitySet;
  /** Both together. */
  readonly running: MergedConfig;
}

/** What a document wants of the entities, checked within the whole that would be served; throws a refusal. */
export function examine(document: SentDocument, { file, options, entities: now, running }: Known): Examined {
  const read = readDocument(contentOf(document), running.config, file);
  if (read.mistakes.length > 0) {
    const [first] = read.mistakes;
    const detail = `${first?.path ?? ''}: ${first?.message ?? ''}`;
    throw new Refusal('validation_failed', `${detail}.`, undefined, read.mistakes);
  }
  if (read.declaredInFile.length > 0) {
    const errors = read.declaredInFile.map((path) => ({ path, message: 'it is declared otherwise in the file' }));
    const detail = `${someOf(read.declaredInFile)}: declared in the configuration file; change it there.`;
    throw new Refusal('declared_in_file', detail, undefined, errors);
  }
  const kept = read.sameIpRules ? now.of('ip-rules') : [];
  const asked = read.entities
    .filter(({ kind }) => kind !== 'ip-rules' || !read.sameIpRules)
    .map((entity): StoredEntity => {
      const before = now.get(entity.kind, entity.name);
      const spec = unmasked(entity.spec, before?.spec) as StoredEntity['spec'];
      const next: StoredEntity = { ...entity, spec, version: 0 };
      return before !== undefined && readsTheSame(before, next) ? before : next;
    });
  const wanted = wantedOf(now, [...asked, ...kept]);
  const next = wanted.length === 0 ? now : now.with(now.version + 1, wanted);
  if (next !== now) checkTogether({ file, options, leftOut: running.leftOut }, next, wanted);
  const unchanged = asked.length + kept.length - wanted.filter(({ after }) => after !== null).length;
  return { wanted, unchanged, expressions: wanted.flatMap((each) => expressionsIn(each, next)) };
}

function contentOf({ yaml, bytes }: SentDocument): { readonly yaml: string } | { readonly value: unknown } {
  const text = textOf(bytes);
  if (yaml) return { yaml: text };
  const value = valueOf(text);
  checkDepth(value);
  return { value };
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal('bad_request', 'The body is not UTF-8 text.');
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal('bad_request', `The body is not valid JSON: ${(error as Error).message}.`);
  }
}

function someOf(names: readonly string[]): string {
  return names.length <= 20 ? names.join(', ') : `${names.slice(0, 20).join(', ')} and ${names.length - 20} more`;
}

/** What has to happen for these to be all that there is. */
export function wantedOf(now: EntitySet, entities: readonly StoredEntity[]): Wanted[] {
  const kept = new Set(entities.map(idOf));
  const gone = now.all().filter((entity) => !kept.has(idOf(entity)));
  return [
    ...gone.map(({ kind, name }): Wanted => ({ kind, name, after: null })),
    ...entities.flatMap(({ kind, name, spec }): Wanted[] => {
      const before = now.get(kind, name)?.spec;
      return before !== undefined && JSON.stringify(before) === JSON.stringify(spec)
        ? []
        : [{ kind, name, after: spec }];
    }),
  ];
}

/** A mask that is left stands for what there is, where all that is shown is as it was. */
function readsTheSame(before: StoredEntity, asked: StoredEntity): boolean {
  const { kind } = before;
  const [a, b] = [readEntity(before).value, readEntity(asked).value];
  return (
    wholeMeaning(kind, a) === wholeMeaning(kind, b) ||
    (hasMask(asked.spec) && shownMeaning(kind, a) === shownMeaning(kind, b))
  );
}

function expressionsIn({ kind, name, after }: Wanted, next: EntitySet): NewExpression[] {
  const entity = after === null ? undefined : next.get(kind, name);
  if (entity === undefined) return [];
  return readEntity(entity).expressions.map(({ path, source }) => ({
    entity: idOf(entity),
    path: showPath(path),
    source,
  }));
}
