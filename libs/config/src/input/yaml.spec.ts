import { describe, expect, it, jest } from '@jest/globals';
import { Parser } from 'yaml';
import { accepted, loadText, mistakesOf, withRoutes } from '../../test/load-text.js';

const ROUTE = '- { path: /a, upstream: "http://127.0.0.1:1" }';

describe('YAML', () => {
  it('may have a byte order mark, CRLF, comments, and a document marker', () => {
    const { config } = accepted(`\uFEFF# hello\r\n---\r\n${withRoutes(ROUTE).replaceAll('\n', '\r\n')}# bye\r\n`);
    expect(config.gateway.routes).toHaveLength(1);
  });

  it('counts lines and columns the same with CRLF', () => {
    expect(mistakesOf('gateway:\r\n  port: x\r\n  routes: []\r\n')).toEqual([
      '2:9 gateway.port: "x" is not a whole number',
    ]);
  });

  it('that is not YAML is refused at the spot, without consequences elsewhere', () => {
    expect(mistakesOf('gateway:\n  port: 1\n\thost: x\n')).toEqual([
      '3:1 : not valid YAML: Tabs are not allowed as indentation',
    ]);
    expect(mistakesOf('gateway:\n  routes: [ a\nredis: {}\n')).toHaveLength(1);
  });

  it('with a reference that lacks quotes inside braces says how to write it', () => {
    const result = loadText(withRoutes('- { path: /a, upstream: ${UP} }'), { UP: 'http://127.0.0.1:1' });
    expect(result).toMatchObject({
      ok: false,
      mistakes: [{ line: 3, hint: 'inside { } and [ ] write a reference in quotes: "${NAME}"' }],
    });
  });

  it('may not hold two documents', () => {
    expect(mistakesOf(`${withRoutes(ROUTE)}---\n${withRoutes(ROUTE)}`)).toEqual([
      '4:1 : a second document begins here; a configuration is one document',
    ]);
  });

  it('may not hold a key twice, and says where it was first', () => {
    expect(mistakesOf(withRoutes(ROUTE, 'redis: {}\nml: {}\nredis: {}\n'))).toEqual([
      '6:1 redis: the key "redis" stands there twice, first in line 4',
    ]);
  });

  it('may use anchors, merge keys and a place for them', () => {
    const { config } = accepted(
      withRoutes(
        '- { <<: *usual, path: /a }\n- { <<: [*slow, *usual], path: /b }\n- { path: /c, timeout: 3s, <<: *usual }',
        '',
      ).replace(
        /^/,
        'x-routes:\n  - &usual { upstream: "http://127.0.0.1:1", timeout: 1s }\n  - &slow { timeout: 9s }\n',
      ),
    );
    expect(config.gateway.routes.map(({ timeout }) => timeout)).toEqual([1000, 9000, 3000]);
  });

  it('says what an unquoted star or exclamation mark does', () => {
    expect(mistakesOf(withRoutes('- { path: /a, hosts: [*.example.com], upstream: "http://127.0.0.1:1" }'))).toEqual([
      expect.stringContaining('*.example.com refers to nothing above'),
    ]);
    expect(mistakesOf('gateway: { routes: [], host: !secret x }\n')[0]).toMatch(/Unresolved tag/);
  });

  it('with keys such as __proto__ and constructor pollutes nothing and names them', () => {
    const text = withRoutes(
      '- path: /a\n  respond: { headers: { __proto__: x, constructor: y } }',
      '__proto__: { polluted: true }\nconstructor: { prototype: { polluted: true } }\n',
    );
    expect(mistakesOf(text)).toEqual([
      '5:1 __proto__: unknown key "__proto__"',
      '6:1 constructor: unknown key "constructor"',
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const { config } = accepted(text.replace(/^__proto__[^]*/m, ''));
    const headers = config.gateway.routes[0]?.respond?.headers ?? {};
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('bounds aliases that multiply', () => {
    const levels = Array.from({ length: 12 }, (_, i) =>
      i === 0
        ? 'x-0: &a0 [x]'
        : `x-${i}: &a${i} [${Array(10)
            .fill(`*a${i - 1}`)
            .join(', ')}]`,
    );
    const mistakes = mistakesOf(`${levels.join('\n')}\ngateway: { routes: *a11 }\n`);
    expect(mistakes).toContainEqual(expect.stringContaining('aliases make the configuration larger than'));
  });

  it('refuses an alias to what it stands in', () => {
    expect(mistakesOf('gateway: &g { routes: [*g] }\n')).toContainEqual(
      expect.stringContaining('*g refers to what it stands in'),
    );
  });

  it.each([
    ['brackets', '['.repeat(50_000)],
    ['closed brackets', '['.repeat(5000) + ']'.repeat(5000)],
    ['braces', '{a: '.repeat(5000) + '}'.repeat(5000)],
    ['dashes', '\n' + '- '.repeat(5000) + 'x'],
    ['question marks', '\n' + '? '.repeat(5000) + 'x'],
    ['indentation', '\n' + Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i + 1)}a:`).join('\n')],
  ])('refuses endless nesting by %s', (_, nested) => {
    expect(mistakesOf(`gateway: ${nested}\n`)).toEqual([expect.stringContaining('nested deeper than 64 levels')]);
  });

  it('is not parsed beyond that: each token would take longer than the one before', () => {
    const parsed = jest.spyOn(Parser.prototype, 'next');
    expect(mistakesOf(`gateway: ${'['.repeat(5000)}\n`)).toHaveLength(1);
    expect(parsed.mock.calls.length).toBeLessThan(500);
    parsed.mockRestore();
  });

  it('of five megabytes is read, and its one mistake found', () => {
    const routes = Array.from(
      { length: 40_000 },
      (_, i) => `    - { path: /r/${i}, respond: { body: "${'x'.repeat(80)}" } }`,
    );
    routes[39_000] = '    - { path: /r/39000, respond: { bodi: x } }';
    const text = `gateway:\n  routes:\n${routes.join('\n')}\n`;
    expect(text.length).toBeGreaterThan(5_000_000);
    expect(mistakesOf(text)).toEqual(['39003:36 gateway.routes[39000].respond.bodi: unknown key "bodi"']);
  }, 120_000);

  it('with twenty thousand keys twice in one map takes linear time', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`);
    expect(mistakesOf(`${[...keys, ...keys].join('\n')}\n`)).toHaveLength(20_001);
  }, 120_000);

  it('beyond any measure, or not text at all, is refused with one line', () => {
    expect(mistakesOf(Buffer.alloc(9 * 1024 * 1024, '#'))).toEqual([expect.stringContaining('is larger than 8mb')]);
    expect(mistakesOf(Uint8Array.of(0xff, 0xfe, 0x00))).toEqual([expect.stringContaining('is not UTF-8 text')]);
    expect(mistakesOf('')).toEqual([expect.stringContaining('is empty')]);
    expect(mistakesOf('# only a comment\n')).toEqual([expect.stringContaining('is empty')]);
  });

  it.each(['just text', '- a\n- list', '42', 'null', 'gateway:', 'gateway: []', 'gateway: 5'])(
    'that is no configuration, %j, is refused',
    (text) => {
      expect(mistakesOf(text).length).toBeGreaterThan(0);
    },
  );
});
