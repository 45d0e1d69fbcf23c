/**
 * Whose address it is: an IPv4 address stands for itself, an IPv6 address for its /64, which is what one subscriber gets.
 * Counting each IPv6 address by itself would give everyone 2^64 limits.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const zone = address.indexOf('%');
  const plain = zone === -1 ? address : address.slice(0, zone);
  const [left = '', right] = plain.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  // An IPv4 address at the end stands for two groups.
  const groups = after.length + (plain.includes('.') ? 1 : 0);
  const zeros = right === undefined ? 0 : 8 - before.length - groups;
  const all = [...before, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
