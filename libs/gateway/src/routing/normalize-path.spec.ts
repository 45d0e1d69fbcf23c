import { describe, expect, it } from '@jest/globals';
import { otherReadingsOf, Refusal } from '#kernel';
import fc from 'fast-check';
import { normalizePath, splitTarget } from './normalize-path.js';

function normalized(raw: string): string {
  const path = normalizePath(raw);
  return typeof path === 'string' ? path : `${path.code}: ${path.detail}`;
}

describe('a path is normalised once', () => {
  it.each([
    ['keeps a path that is normal already', '/api/users/42', '/api/users/42'],
    ['keeps the root', '/', '/'],
    ['keeps trailing slashes and case', '/API/Users/', '/API/Users/'],
    ['keeps segments that only start with dots', '/.well-known/..a/...', '/.well-known/..a/...'],
    ['cuts off the query', '/a/b?c=/../d', '/a/b'],
    ['cuts off an empty query', '/a?', '/a'],
    ['removes a dot segment before the query', '/a/..?x', '/'],
    ['removes single dots', '/a/./b/.', '/a/b/'],
    ['removes double dots with what stands before them', '/a/b/../c', '/a/c'],
    ['leaves a slash where a last double dot stood', '/a/b/..', '/a/'],
    ['removes encoded dots alike', '/a/%2e/b/%2E%2e/.%2e/c', '/c'],
    ['merges slashes', '//a///b//', '/a/b/'],
    ['removes dots before it merges slashes, as RFC 3986 counts segments', '/a//../b', '/a/b'],
    ['decodes unreserved characters', '/%61%5F%2D%7e%41%30', '/a_-~A0'],
    ['writes other encodings in upper case', '/a%2cb%3f%e2%82%ac', '/a%2Cb%3F%E2%82%AC'],
    ['keeps an encoded slash', '/a%2fb', '/a%2Fb'],
    ['keeps an encoded or raw backslash', '/a%5cb\\c', '/a%5Cb\\c'],
    ['keeps an encoded slash that no dot segment touches', '/a%2Fb/c/../d', '/a%2Fb/d'],
    ['keeps an encoded slash beside dots that are no segment', '/a%2F..b', '/a%2F..b'],
    ['decodes nothing twice', '/%252e%252e/%2561%252F', '/%252e%252e/%2561%252F'],
    ['takes a semicolon for an ordinary character', '/a;v=1/..;/b;/..', '/a;v=1/..;/'],
    ['keeps reserved and odd characters', `/!$&'()*+,;=:@"<>[]^\`{|}`, `/!$&'()*+,;=:@"<>[]^\`{|}`],
    ['keeps encoded control characters encoded', '/a%0a%7f', '/a%0A%7F'],
  ])('%s', (_, raw, path) => {
    expect(normalized(raw)).toBe(path);
  });

  it.each([
    ['no leading slash', 'a/b', 'start with "/"'],
    ['nothing', '', 'start with "/"'],
    ['a climb above the root', '/..', 'climbs above the root'],
    ['a climb above the root further on', '/a/../../b', 'climbs above the root'],
    ['a climb with encoded dots', '/%2e%2e/etc', 'climbs above the root'],
    ['an encoded slash that makes a double dot', '/a/..%2fb', 'dot segment beside an encoded slash'],
    ['an encoded slash before a double dot', '/a/%2f..', 'dot segment beside an encoded slash'],
    ['an encoded slash that makes a single dot', '/a/.%2Fb', 'dot segment beside an encoded slash'],
    ['an encoded backslash that makes a double dot', '/a/%2e%2e%5cb', 'dot segment beside an encoded slash'],
    ['a backslash that makes a double dot', '/a\\..\\b', 'dot segment beside an encoded slash'],
    ['mixed separators', '/a%2f..\\b', 'dot segment beside an encoded slash'],
    ['a double dot that takes an encoded slash away', '/a%2Fb/../c', 'dot segment beside an encoded slash'],
    ['a double dot that takes a backslash away', '/a\\b/../c', 'dot segment beside an encoded slash'],
    ['an encoded slash alone before a double dot', '/%2f/..', 'dot segment beside an encoded slash'],
    ['a NUL', '/a\0b', 'a NUL (0x00)'],
    ['an encoded NUL', '/a%00b', 'encoded NUL'],
    ['a control character', '/a\tb', 'a control character (0x09)'],
    ['a DEL', '/a\x7fb', 'a control character (0x7F)'],
    ['a space', '/a b', 'a space (0x20)'],
    ['a raw byte above ASCII', '/caf\xe9', 'a non-ASCII byte (0xE9)'],
    ['a fragment', '/a#b', 'write %23'],
    ['half an encoding', '/a%2', 'malformed encoding at "%2"'],
    ['a percent sign alone', '/100%', 'malformed encoding at "%"'],
    ['an encoding that is not hexadecimal', '/a%zz', 'malformed encoding at "%zz"'],
    ['an encoding that ends in the query', '/a%2?f', 'malformed encoding at "%2"'],
    ['an overlong slash', '/a%c0%afb', 'malformed encoding at "%c0"'],
    ['an overlong slash in three bytes', '/a%e0%80%af', 'malformed encoding at "%e0"'],
    ['an overlong dot in four bytes', '/%f0%80%80%ae', 'malformed encoding at "%f0"'],
    ['a surrogate', '/%ed%a0%80', 'malformed encoding at "%ed"'],
    ['a code point beyond Unicode', '/%f4%90%80%80', 'malformed encoding at "%f4"'],
    ['a continuation byte alone', '/%80', 'malformed encoding at "%80"'],
    ['a sequence that breaks off', '/%e2%82', 'malformed encoding at "%e2"'],
    ['a sequence that goes on in ASCII', '/%e2%82a%ac', 'malformed encoding at "%e2"'],
  ])('%s is refused with 400', (_, raw, detail) => {
    expect(normalized(raw)).toContain('bad_request: ');
    expect(normalized(raw)).toContain(detail);
  });

  const piece = fc.constantFrom(
    ...['/', '//', '.', '..', '/./', '/../', 'a', 'B', '~', ';', '%2e', '%2E', '%2f', '%5C', '\\', '%61', '%2C'],
    ...['%25', '%252e', '%e2%82%ac', '%C0%AF', '%00', '%', '%4', '#', '?', ' ', '\xe9', ':', '=', '-'],
  );
  const path = fc.array(piece, { maxLength: 14 }).map((pieces) => `/${pieces.join('')}`);

  it('never throws, whatever the string', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), path), (raw) => {
        const result = splitTarget(raw);
        if (!(result instanceof Refusal)) expect(result.path).toMatch(/^\/[!-~]*$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('knows each way in which its path can be read, whether it looked for them or not', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const result = splitTarget(raw);
        if (result instanceof Refusal) return;
        expect(result.otherReadings).toEqual(otherReadingsOf(result.path));
        expect(result.otherReadings).not.toContain(result.path);
      }),
      { numRuns: 5_000 },
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const once = normalizePath(raw);
        if (typeof once === 'string') expect(normalizePath(once)).toBe(once);
      }),
      { numRuns: 5_000 },
    );
  });

  it('leaves no dot segment, no double slash and no lower-case or needless encoding', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const once = normalizePath(raw);
        if (typeof once !== 'string') return;
        expect(once.split('/').filter((segment) => segment === '.' || segment === '..')).toEqual([]);
        expect(once).not.toMatch(/\/\/|[?#]/);
        for (const [encoded] of once.matchAll(/%../g)) {
          expect(encoded).toBe(encoded.toUpperCase());
          expect(String.fromCharCode(parseInt(encoded.slice(1), 16))).not.toMatch(/^[\w.~-]$/);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('agrees with the URL parser of WHATWG, slashes merged, where both take a path', () => {
    const shared = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '/../',
      '/./',
      'a',
      'b;c',
      '~',
      '%2F',
      '%252e',
      ':',
      '%E2%82%AC',
    );
    fc.assert(
      fc.property(fc.array(shared, { maxLength: 14 }), (pieces) => {
        const raw = `/${pieces.join('')}`;
        const ours = normalizePath(raw);
        // Node 20's URL leaves the last dot segment of "/a/.b/./" and "/.b/../" where it is, against the standard.
        if (typeof ours !== 'string' || /\/\.+[^./]/.test(raw.replace(/%2e/gi, '.'))) return;
        const theirs = new URL(`http://host${raw}`).pathname.replace(/%2e/gi, '.').replace(/\/+/g, '/');
        expect(ours).toBe(theirs);
      }),
      { numRuns: 5_000 },
    );
  });

  it('means the same whether encoded separators are decoded before or after it', () => {
    const decode = (text: string): string => text.replace(/%2f|%5c|\\/gi, '/');
    const merged = (text: string): string => text.replace(/\/+/g, '/');
    fc.assert(
      fc.property(path, (raw) => {
        const ours = normalizePath(raw);
        if (typeof ours !== 'string') return;
        const before = normalizePath(decode(raw.split('?')[0]!));
        expect(before).toBe(merged(decode(ours)));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a request target is split', () => {
  it.each([
    ['/a/../b?x=%zz', { path: '/b', query: '?x=%zz' }],
    ['/a', { path: '/a', query: '' }],
    ['/a?', { path: '/a', query: '?' }],
    ['/a?b?c', { path: '/a', query: '?b?c' }],
    ['/%41?b', { path: '/A', query: '?b' }],
    ['//evil.example/x', { path: '/evil.example/x', query: '' }],
    ['http://Example.com:80/a//b?c', { host: 'example.com:80', path: '/a/b', query: '?c' }],
    ['HTTPS://example.com', { host: 'example.com', path: '/', query: '' }],
    ['http://example.com?a=/b', { host: 'example.com', path: '/', query: '?a=/b' }],
    ['http://[::1]:8080/', { host: '[::1]:8080', path: '/', query: '' }],
    ['/caf%c3%a9?a;b', { path: '/caf%C3%A9', query: '?a;b' }],
    ['/a;b', { path: '/a;b', otherReadings: ['/a'], query: '' }],
    ['/a%2fb?c', { path: '/a%2Fb', otherReadings: ['/a/b'], query: '?c' }],
    ['http://x/a/..;/b', { host: 'x', path: '/a/..;/b', otherReadings: ['/a/../b', '/b'], query: '' }],
  ])('%s', (raw, target) => {
    expect(splitTarget(raw)).toEqual({ otherReadings: [], ...target });
  });

  it.each([
    ['*', 'must be a path'],
    ['example.com:443', 'must be a path'],
    ['ftp://example.com/', 'must be a path'],
    ['http:///a', 'host in the request target'],
    ['http://user:pw@example.com/', 'user name or password'],
    ['http://exa mple.com/', 'host in the request target'],
    ['http://example.com:8a/', 'host in the request target'],
    ['http://example.com\\@evil/', 'user name or password'],
    ['http://example.com/../a', 'climbs above the root'],
    ['http://example.com#a', 'write %23'],
    ['/a?b#c', 'The query has a "#"'],
    ['/a?b\0', 'The query has a NUL'],
    ['/a?b\r\n', 'The query has a control character (0x0D)'],
  ])('%s is refused', (raw, detail) => {
    const refusal = splitTarget(raw);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ code: 'bad_request', detail: expect.stringContaining(detail) });
  });
});
