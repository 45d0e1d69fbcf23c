/** @param {number} value @param {number} digits */
export const round = (value, digits) => Number(value.toFixed(digits));

/** @param {number[]} sorted ascending @param {number} q between 0 and 1 */
export const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** @param {number[]} values @param {number} digits */
export function spread(values, digits) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median: round(median, digits), min: round(sorted[0], digits), max: round(sorted.at(-1), digits) };
}
