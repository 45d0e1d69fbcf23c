interface Month {
  readonly start: number;
  readonly end: number;
}

/** The one that was asked for last: for a month at a time it is always the same. */
let known: Month = { start: 0, end: 0 };

/** The calendar month (UTC) that a time is in, all in microseconds since the epoch. */
export function monthOf(time: number): Month {
  if (time >= known.start && time < known.end) return known;
  const date = new Date(Math.floor(time / 1000));
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  known = { start: Date.UTC(year, month) * 1000, end: Date.UTC(year, month + 1) * 1000 };
  return known;
}
