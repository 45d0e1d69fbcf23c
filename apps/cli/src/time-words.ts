const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** How long a person would say: the largest unit and the next, `2 h 5 min`. */
export function lasting(seconds: number): string {
  const i = UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = UNITS[i] ?? ['s', 1];
  const whole = Math.floor(seconds / size);
  const [smaller, part] = UNITS[i + 1] ?? ['s', 1];
  const rest = i === -1 ? 0 : Math.floor((seconds % size) / part);
  return `${whole} ${unit}${rest === 0 ? '' : ` ${rest} ${smaller}`}`;
}

export function ago(time: string, now: number): string {
  const seconds = Math.round((now - Date.parse(time)) / 1000);
  return seconds < 1 ? 'just now' : `${lasting(seconds)} ago`;
}
