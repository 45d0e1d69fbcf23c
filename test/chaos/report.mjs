let failing = 0;

/** Prints a line for what must hold; the process fails when it does not. */
export function must(holds, text) {
  console.log(`${holds ? 'holds' : 'FAILS'}  ${text}`);
  if (holds) return;
  failing++;
  process.exitCode = 1;
}

/**
 * A line of the table that the runner prints. `again`: milliseconds from the fault until traffic was right, or null where
 * that means nothing. What did not hold since the last row belongs to this one.
 */
export function row({ what, sent, failed, again = null, allowed }) {
  process.send?.({ what, sent, failed, again, allowed, holds: failing === 0 });
  failing = 0;
}

export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
