import { describe, expect, it } from '@jest/globals';
import { loadText } from '../test/load-text.js';
import { formatMistakes, mistakeLine } from './format-mistakes.js';
import { type Mistake } from './mistakes.js';

function mistakes(text: string, env = {}): readonly Mistake[] {
  const result = loadText(text, env);
  return result.ok ? [] : result.mistakes.map((mistake) => ({ ...mistake, file: 'aegis.yaml' }));
}

describe('mistakes for people', () => {
  const two = mistakes('gateway:\n  prot: 1\n  routes:\n    - { path: /a, respond: {}, timeout: 10 }\n');

  it('have their place, what is wrong, what to do, and the line with a caret', () => {
    expect(formatMistakes(two)).toBe(
      [
        'aegis.yaml:2:3  gateway.prot',
        '  unknown key "prot"',
        '  allowed: host, port, workers, tls, trustedProxies, limits, drain, drainDelay, compression, cors, securityHeaders, ip,',
        '           upstreams, routes',
        '  hint: did you mean port?',
        '  2 |   prot …',
        '    |   ^^^^',
        '',
        'aegis.yaml:4:41  gateway.routes[0].timeout',
        '  10 is not a duration',
        '  allowed: a number with ms, s, m, h or d, such as 250ms, 10s or 5m',
        '  4 |     - { path: /a, respond: {}, timeout: 10 }',
        '    |                                         ^^',
      ].join('\n'),
    );
  });

  it('say that they are warnings where they are, also without colours', () => {
    expect(formatMistakes(two, { as: 'warning' })).toContain('\n  warning: unknown key "prot"\n');
    expect(formatMistakes(two)).not.toContain('warning');
  });

  it('have colours only when asked for', () => {
    expect(formatMistakes(two)).not.toContain('\u001b');
    expect(formatMistakes(two, { color: true })).toContain('\u001b[31m');
  });

  it('are cut to the neighbourhood on a long line, and counted when they are many', () => {
    const [long] = mistakes(`gateway: { routes: [${'{ path: /a, respond: {} }, '.repeat(50)} 5] }\n`);
    const lines = formatMistakes(long ? [long] : []).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(140);
    expect(formatMistakes(Array<Mistake>(1234).fill(two[0]!), { most: 1 })).toMatch(/… and 1,233 more$/);
  });

  it('from the environment name the variable', () => {
    const [mistake] = mistakes('gateway: { routes: [] }\n', { AEGIS__GATEWAY__PORT: 'x' });
    expect(formatMistakes(mistake ? [mistake] : [])).toMatch(
      /^environment variable AEGIS__GATEWAY__PORT {2}gateway\.port\n/,
    );
  });

  it('fit into one line for a log', () => {
    expect(two.map(mistakeLine)).toEqual([
      'aegis.yaml:2:3: gateway.prot: unknown key "prot" (did you mean port?)',
      'aegis.yaml:4:41: gateway.routes[0].timeout: 10 is not a duration (allowed: a number with ms, s, m, h or d, such as 250ms, 10s or 5m)',
    ]);
  });
});
