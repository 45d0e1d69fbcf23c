/**
 * A pure function of a text that senders repeat, such as a header value or an address. What comes from outside must not
 * fill the memory: when `limit` answers are kept, all are forgotten.
 */
export function remembered<V>(limit: number, compute: (text: string) => V): (text: string) => V {
  const known = new Map<string, V>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined || known.has(text)) return answer as V;
    const computed = compute(text);
    if (known.size >= limit) known.clear();
    known.set(text, computed);
    return computed;
  };
}
