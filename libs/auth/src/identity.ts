import { type Principal } from '#kernel';

const PLAIN = /^[!-$&-+\--~]*$/;

/** The lines of a request head that tell the upstream who is calling. */
export function identityLines({ consumer, id, roles }: Principal): string {
  const lines = `X-Consumer-Name: ${written(consumer)}\r\nX-Consumer-Id: ${written(id)}\r\n`;
  return roles.length === 0 ? lines : `${lines}X-Consumer-Roles: ${roles.map(written).join(',')}\r\n`;
}

/**
 * Names come from tokens too. What is not visible ASCII, and commas and percent signs, are percent-encoded: no name ends
 * its line early, and no role reads like two.
 */
function written(name: string): string {
  if (PLAIN.test(name)) return name;
  return name.replace(/[^!-$&-+\--~]/gu, (character) => {
    return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  });
}
