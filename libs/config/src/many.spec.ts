import { describe, expect, it } from '@jest/globals';
import { accepted, loadText, mistakesOf } from '../test/load-text.js';
import { derivedName } from './compile/names.js';
import { fromPieces, piecesOf } from './entities/pieces.js';
import { Lines } from './input/lines.js';
import { readYaml } from './input/yaml.js';
import { contentHash, maskedConfig } from './masked.js';

const routes = 'gateway: { routes: [{ path: /a, upstream: "http://a:1" }] }\n';
const many = (count: number, each: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => each(i)).join('');

/** Counts how often it is asked. */
class Counting extends Set<string> {
  asked = 0;

  override has(name: string): boolean {
    this.asked++;
    return super.has(name);
  }
}

describe('what takes as long as there is of it, and not its square', () => {
  it('are names that are derived from one path', () => {
    const taken = new Counting(['root-3']);
    const names = Array.from({ length: 2000 }, () => derivedName('/', taken));
    expect(names.slice(0, 4)).toEqual(['root', 'root-2', 'root-4', 'root-5']);
    expect(new Set(names).size).toBe(2000);
    expect(taken.asked).toBeLessThan(5000);
  });

  it('are hints for names that do not exist: the first of them get one', () => {
    const mistakes = loadText(
      `gateway:\n  upstreams:\n${many(1000, (i) => `    - { name: service-${i}, targets: ["http://a:1"] }\n`)}  routes:\n${many(
        1000,
        (i) => `    - { name: r${i}, path: /${i}, upstream: servic-${i} }\n`,
      )}`,
    );
    const hints = (mistakes.ok ? [] : mistakes.mistakes).map(({ hint }) => hint);
    expect(hints).toHaveLength(1000);
    expect(hints.slice(0, 50).every((hint) => hint?.startsWith('did you mean service-'))).toBe(true);
    expect(hints.filter((hint) => hint !== null)).toHaveLength(100);
  });

  it('are the mistakes of YAML, however many are in one line', () => {
    const text = `[${'} '.repeat(3000)}`;
    const { findings, broken } = readYaml(text, new Lines(text), {});
    expect([broken, findings.length]).toEqual([true, 1]);
  });

  it('is a text of many documents, of which the second is told', () => {
    const text = '---\n{}\n'.repeat(500);
    const { findings } = readYaml(text, new Lines(text), {});
    expect(findings.map(({ message, origin }) => [message, origin])).toEqual([
      [expect.stringContaining('a second document begins here'), { kind: 'file', start: 7, end: 10 }],
    ]);
  });
});

describe('roles that inherit', () => {
  const line = (length: number, last: string): string =>
    `${routes}auth:\n  rbac:\n    roles:\n${many(length, (i) => `      r${i}: { inherits: [r${i + 1}] }\n`)}      r${length}: { inherits: [${last}] }\n`;

  it('do so in a line of sixty-four at most', () => {
    expect(mistakesOf(line(62, 'viewer'))).toEqual([]);
    expect(mistakesOf(line(3000, ''))).toEqual([expect.stringContaining('in a line of more than 64 roles')]);
  });

  it('may not go in a circle, however long that is', () => {
    const mistakes = mistakesOf(line(500, 'r0'));
    expect(mistakes[0]).toContain('the role inherits itself: r0 → r1 → r2 → r3 → r4 → r5 → r6 → r7 → … → r0');
    expect(mistakes.filter((each) => each.includes('inherits itself'))).toHaveLength(50);
  });

  it('may share what they inherit', () => {
    const roles = '{ a: { inherits: [b, c] }, b: { inherits: [d] }, c: { inherits: [d] }, d: {} }';
    expect(mistakesOf(`${routes}auth: { rbac: { roles: ${roles} } }\n`)).toEqual([]);
  });
});

describe('a configuration in pieces', () => {
  it('is the same again on the other side of a thread, secrets and all', () => {
    const { config } = accepted(
      `${routes}auth:\n  jwt: { secrets: ["of-at-least-thirty-two-characters-long"] }\n  consumers:\n${many(
        1100,
        (i) => `    - { name: c${i}, hmac: { keyId: k${i}, secret: "of-at-least-thirty-two-characters-${i}" } }\n`,
      )}`,
    );
    const pieces = [...piecesOf(config)];
    expect(pieces).toHaveLength(3);
    const again = fromPieces(structuredClone(pieces), { file: 'aegis.yaml', env: {} }).config;
    expect(maskedConfig(again)).toEqual(maskedConfig(config));
    expect(contentHash(again.declared)).toBe(contentHash(config.declared));
    expect(String(again.declared.auth.consumers[7]?.hmac[0]?.secret)).toBe(
      '(masked: at least 32 bytes in the original)',
    );
  });
});
