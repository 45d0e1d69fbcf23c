import { type FieldError, formatDuration, Refusal } from '#kernel';

/** A stretch of time that is asked about, in steps. */
export interface Range {
  /** As it was asked for; null: by `from` and `to`. */
  readonly range: string | null;
  readonly from: Date;
  readonly to: Date;
  /** Milliseconds. */
  readonly step: number;
}

type Query = Readonly<Record<string, unknown>>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const RANGES: Readonly<Record<string, number>> = {
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '1h': HOUR,
  '6h': 6 * HOUR,
  '24h': DAY,
  '7d': 7 * DAY,
  '30d': 30 * DAY,
};
const STEPS = [1, 5, 10, 30].map((n) => n * SECOND).concat([MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY]);
const MOST_STEPS = 400;
const LONGEST = 400 * DAY;

/**
 * Reads `range`, or `from` and `to`, and the named filters of a question; the last hour when nothing is said. Whatever else
 * is asked is refused with all that is wrong: a filter that is misspelt must not look as if it had been applied.
 */
export function readQuestion<F extends string>(
  query: Query,
  filters: readonly F[],
  now: number,
): Range & { readonly filters: Readonly<Record<F, string | null>> } {
  const errors: FieldError[] = [];
  const wrong = (path: string, message: string): null => {
    errors.push({ path, message });
    return null;
  };
  const known = ['range', 'from', 'to', ...filters];
  for (const name of Object.keys(query)) {
    if (!known.includes(name)) wrong(name, `is not known here: ${known.join(', ')} are`);
  }
  const textOf = (name: string): string | null => {
    const value = query[name];
    if (value === undefined) return null;
    return typeof value === 'string' && value !== '' ? value : wrong(name, 'must be given once, and not be empty');
  };
  const times = timesOf(textOf, wrong, now);
  const found = Object.fromEntries(filters.map((name) => [name, textOf(name)])) as Record<F, string | null>;
  if (errors.length > 0) throw new Refusal('validation_failed', 'The question cannot be answered.', undefined, errors);
  return { ...times, filters: found };
}

function timesOf(
  textOf: (name: string) => string | null,
  wrong: (path: string, message: string) => null,
  now: number,
): Range {
  const [from, to] = [textOf('from'), textOf('to')];
  const asked = textOf('range');
  const range = asked ?? '1h';
  if (from === null && to === null) {
    if (!Object.hasOwn(RANGES, range)) wrong('range', `must be one of ${Object.keys(RANGES).join(', ')}`);
    const length = RANGES[range] ?? HOUR;
    return rangeOf(range, now - length, now);
  }
  if (asked !== null) wrong('range', 'leave it out, or from and to');
  const begin = timeOf(from, 'from', wrong) ?? now - HOUR;
  const end = to === null ? now : (timeOf(to, 'to', wrong) ?? now);
  if (from === null) wrong('from', 'is needed beside to');
  if (begin >= end) wrong('to', 'must be later than from');
  else if (end - begin > LONGEST) wrong('from', 'lies more than 400 days before to');
  return rangeOf(null, begin, end);
}

/** RFC 3339, or milliseconds since the epoch. */
function timeOf(text: string | null, name: string, wrong: (path: string, message: string) => null): number | null {
  if (text === null) return null;
  const time = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  return Number.isFinite(time) && Math.abs(time) < 8.64e15
    ? time
    : wrong(name, 'must be a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970');
}

function rangeOf(range: string | null, from: number, to: number): Range {
  const step = STEPS.find((each) => (to - from) / each <= MOST_STEPS) ?? DAY;
  return { range, from: new Date(from), to: new Date(to), step };
}

/** `30s`, `1m`: how an answer says its step. */
export function stepOf({ step }: Pick<Range, 'step'>): string {
  return formatDuration(step);
}

/** The starts of all steps that lie in it. */
export function startsOf({ from, to, step }: Range): number[] {
  const first = from.getTime() - (from.getTime() % step);
  const starts: number[] = [];
  for (let start = first; start < to.getTime(); start += step) starts.push(start);
  return starts;
}
