import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addSecurityHeaders, ownSecurityHeaders } from './security-headers.js';

const HELMET = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  'X-Download-Options': 'noopen',
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'X-XSS-Protection': '0',
};
const POLICY =
  "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline'";
const TRANSPORT = 'max-age=31536000; includeSubDomains';

function named(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!]] : [])));
}

function completed(fields: string[], secure = false): string[] {
  addSecurityHeaders(fields, secure);
  return fields;
}

describe('security headers', () => {
  it('are helmet’s on what Aegis answers itself, and those for TLS only over TLS', () => {
    expect(named(ownSecurityHeaders(false))).toEqual({ ...HELMET, 'Content-Security-Policy': POLICY });
    expect(named(ownSecurityHeaders(true))).toEqual({
      ...HELMET,
      'Strict-Transport-Security': TRANSPORT,
      'Content-Security-Policy': `${POLICY};upgrade-insecure-requests`,
    });
  });

  it('are added to proxied data as a whole', () => {
    for (const type of [
      'application/json',
      'application/problem+json; charset=utf-8',
      'text/plain',
      'image/png',
      'text/event-stream',
    ]) {
      expect(named(completed(['Content-Type', type]))).toEqual({
        'Content-Type': type,
        ...named(ownSecurityHeaders(false)),
      });
      expect(named(completed(['Content-Type', type], true))).toEqual({
        'Content-Type': type,
        ...named(ownSecurityHeaders(true)),
      });
    }
  });

  it('leave the content policy of pages, scripts and unknown types to the application', () => {
    const types = [
      'text/html',
      'Text/HTML; charset=utf-8',
      ' text/html',
      'application/xhtml+xml',
      'image/svg+xml',
      'application/xml',
      'text/xml; a=b',
      'text/javascript',
      'application/javascript',
      'application/x-javascript',
      'application/pdf',
      'multipart/x-mixed-replace; boundary=x',
      '',
    ];
    for (const type of types) {
      expect(named(completed(['Content-Type', type]))).toEqual({ 'Content-Type': type, ...HELMET });
    }
    expect(named(completed([], true))).toEqual({ ...HELMET, 'Strict-Transport-Security': TRANSPORT });
  });

  it('keep the upstream’s own, in whatever case', () => {
    const fields = completed(
      [
        'x-frame-options',
        'DENY',
        'CONTENT-SECURITY-POLICY',
        "default-src 'none'",
        'Content-Type',
        'application/json',
        'strict-transport-security',
        'max-age=0',
      ],
      true,
    );
    const names = fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(13);
    expect(fields.slice(0, 2)).toEqual(['x-frame-options', 'DENY']);
  });

  it('are each there once, whichever of them were there', () => {
    const all = named(ownSecurityHeaders(true));
    fc.assert(
      fc.property(
        fc.subarray(Object.keys(all)),
        fc.boolean(),
        fc.constantFrom('text/html', 'application/json', undefined),
        (present, secure, type) => {
          const before = [
            ...(type === undefined ? [] : ['content-type', type]),
            ...present.flatMap((name) => [name, 'theirs']),
          ];
          const after = completed([...before], secure);
          expect(after.slice(0, before.length)).toEqual(before);
          const expected = new Set([...Object.keys(named(ownSecurityHeaders(secure)))]);
          if (type !== 'application/json') expected.delete('Content-Security-Policy');
          for (const name of present) expected.delete(name);
          expect(new Set(after.slice(before.length).filter((_, i) => i % 2 === 0))).toEqual(expected);
        },
      ),
    );
  });
});
