import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { returnPath } from './return-to.js';

describe('where a sign-in leads', () => {
  it.each(['/console', '/console/routes?sort=name#top', '/api/admin/me', '/_aegis/status'])('may be %s', (path) => {
    expect(returnPath(path)).toBe(path);
  });

  it.each([
    null,
    '',
    'console',
    '//evil.example/console',
    '/\\evil.example/console',
    '/\t/evil.example/console',
    'https://evil.example/console',
    'https:/console',
    'javascript:alert(1)',
    '/orders',
    '/consoles',
    '/console/../orders',
    '/console/%2e%2e/orders',
    `/console/${'x'.repeat(2000)}`,
  ])('is not %j', (wanted) => {
    expect(returnPath(wanted)).toBe('/api/admin/me');
  });

  it('is always a path of Aegis on the same origin, in one line', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.webPath(), fc.constant('/console/\r\nX: y')),
        (wanted) => {
          for (const said of [wanted, `/console${wanted}`, `/${wanted}`, `//${wanted}`]) {
            const url = new URL(returnPath(said), 'https://gateway.example');
            expect(url.origin).toBe('https://gateway.example');
            expect(url.pathname).toMatch(/^\/(console|_aegis|api\/admin)(\/|$)/);
            expect(returnPath(said)).not.toMatch(/[\r\n\t]/);
          }
        },
      ),
    );
  });
});
