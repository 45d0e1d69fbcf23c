import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { otherReadingsOf } from './path-readings.js';

describe('how else a path can be read', () => {
  it.each(['/', '/a', '/a/b/', '/a.b', '/a..b/c', '/caf%C3%A9', '/a%20b', '/100%25', '/100%25/x', '/a:b=c,d'])(
    '%s: not at all',
    (path) => {
      expect(otherReadingsOf(path)).toEqual([]);
    },
  );

  it.each([
    ['/a;x', ['/a']],
    ['/a;x/b;y=1', ['/a/b']],
    ['/a%2Fb', ['/a/b']],
    ['/a%5cb', ['/a/b']],
    ['/a%3Bx', ['/a;x', '/a']],
    ['/%256Cogin', ['/login']],
    ['/a%252Fb', ['/a%2Fb', '/a/b']],
    ['/a%25253Bx', ['/a%3Bx', '/a;x', '/a']],
    ['/a/..;/b', ['/a/../b', '/b']],
    ['/a/;/..;/b', ['/a/../b', '/b', '/a/b']],
  ])('%s: as %j', (path, readings) => {
    expect(otherReadingsOf(path)).toEqual(readings);
  });

  it('is told in two dozen ways at most, in a time that grows with the path', () => {
    const piece = fc.constantFrom('/', ';', '..', '.', '%2F', '%5c', '%3B', '%252F', '%25253b', '\\', 'a', '//');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        const readings = otherReadingsOf(path);
        expect(readings.length).toBeLessThanOrEqual(24);
        expect(readings).not.toContain(path);
        for (const reading of readings) expect(reading).toMatch(/^\//);
      }),
    );
    expect(otherReadingsOf(`/${'..;/'.repeat(20_000)}`)).toContain('/');
    expect(otherReadingsOf(`/%${'25'.repeat(20_000)}2F`)).toContain('/');
  });
});
