import { entityNoun, type LoadedConfig, type LoadOptions, type Misfit, misfitsAmong } from '#config';
import { type FieldError, Refusal } from '#kernel';
import { type EntitySet, idOf } from './entity-set.js';

/** What the entities are served beside. */
export interface Beside {
  readonly file: LoadedConfig;
  readonly options: LoadOptions;
  /** What does not fit already. */
  readonly leftOut: readonly Misfit[];
}

interface Touched {
  readonly kind: string;
  readonly name: string;
  readonly after: object | null;
}

/**
 * Throws a refusal where entities could not be served together after a change. Only what this change brings about
 * counts: what did not fit before is no reason to refuse it.
 */
export function checkTogether({ file, options, leftOut }: Beside, next: EntitySet, changes: readonly Touched[]): void {
  const touched = new Set(changes.map(idOf));
  const before = new Set(leftOut.map(({ entity }) => idOf(entity)));
  const entities = next.all().filter((entity) => touched.has(idOf(entity)) || !before.has(idOf(entity)));
  const misfits = misfitsAmong(file, entities, options);
  if (misfits.length === 0) return;
  const own = misfits.filter(({ entity }) => touched.has(idOf(entity)));
  if (own.length > 0) throw invalid(own, changes.length > 1);
  const gone = changes.filter(({ after }) => after === null).map(idOf);
  const hurt = misfits.map(({ entity }) => `${entityNoun(entity.kind)} ${entity.name}`);
  const errors = misfits.flatMap((misfit) => errorsOf(misfit, true));
  if (gone.length > 0) throw new Refusal('in_use', `${listed(gone)} is needed by ${listed(hurt)}.`, undefined, errors);
  throw new Refusal('validation_failed', `With this change ${listed(hurt)} could not be served.`, undefined, errors);
}

export function invalid(misfits: readonly Misfit[], several: boolean): Refusal {
  return invalidBecause(misfits.flatMap((misfit) => errorsOf(misfit, several)));
}

export function invalidBecause(errors: readonly FieldError[]): Refusal {
  const [first] = errors;
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  return new Refusal('validation_failed', `${where}${first?.message ?? 'It does not fit'}${more}.`, undefined, errors);
}

function errorsOf({ entity, mistakes }: Misfit, several: boolean): FieldError[] {
  return mistakes.map(({ path, message }) => {
    if (!several) return { path, message };
    return { path: path === '' ? idOf(entity) : `${idOf(entity)}: ${path}`, message };
  });
}

function listed(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
