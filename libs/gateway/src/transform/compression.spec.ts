import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { acceptable } from './accept-encoding.js';
import { compressResponse } from './compression.js';

describe('Accept-Encoding', () => {
  it.each([
    ['', null, true],
    ['gzip', 'gzip', true],
    ['br', 'br', true],
    ['gzip, deflate, br, zstd', 'br', true],
    ['GZIP', 'gzip', true],
    ['x-gzip', 'gzip', true],
    ['br;q=0.5, gzip;q=0.8', 'gzip', true],
    ['br;q=0, gzip', 'gzip', true],
    ['gzip;q=0', null, true],
    ['deflate', null, true],
    ['identity', null, true],
    ['*', 'br', true],
    ['*;q=0', null, false],
    ['*;q=0, gzip', 'gzip', false],
    ['identity;q=0', null, false],
    ['identity;q=0, gzip;q=0.1', 'gzip', false],
    ['identity, gzip;q=0.5', null, true],
    ['identity;q=0.5, gzip', 'gzip', true],
    ['gzip;q=0.5, *;q=0', 'gzip', false],
    ['gzip ; q=1.000', 'gzip', true],
    ['gzip;q=2', null, true],
    ['gzip;q=0.1234', null, true],
    ['gzip;level=9', null, true],
    [',, gzip ,', 'gzip', true],
  ])('%j means %s, plain: %s', (header, coding, identity) => {
    expect(acceptable(header)).toEqual({ coding, identity });
  });

  it('never yields a coding that was refused or not named', () => {
    const member = fc.tuple(
      fc.constantFrom('gzip', 'br', '*', 'identity', 'deflate'),
      fc.constantFrom('', ';q=0', ';q=0.5', ';q=1', ';q=x'),
    );
    fc.assert(
      fc.property(fc.uniqueArray(member, { selector: ([name]) => name }), (members) => {
        const { coding } = acceptable(members.map((parts) => parts.join('')).join(','));
        if (coding === null) return;
        const [, weight] = members.find(([name]) => name === coding) ??
          members.find(([name]) => name === '*') ?? ['', ';q=0'];
        expect(['', ';q=0.5', ';q=1']).toContain(weight);
      }),
    );
  });
});

const GZIP: Parameters<typeof compressResponse>[0] = { method: 'GET', headers: { 'accept-encoding': 'gzip' } };
const JSON_TYPE = ['Content-Type', 'application/json'];

function decided(fields: string[], { status = 200, req = GZIP } = {}): unknown[] {
  const coding = compressResponse(req, status, fields);
  return [coding, ...fields];
}

describe('which responses are compressed', () => {
  it('compresses text, and what is text in all but name', () => {
    const types = [
      'text/html',
      'text/css; charset=utf-8',
      'TEXT/PLAIN',
      'application/json',
      'application/problem+json',
      'application/vnd.api+json; ext=x',
      'application/javascript',
      'application/x-javascript',
      'image/svg+xml',
      'application/rss+xml',
      'application/xml',
      'application/wasm',
      'application/x-ndjson',
      'font/ttf',
    ];
    for (const type of types) expect(compressResponse(GZIP, 200, ['Content-Type', type])).toBe('gzip');
    const others = [
      'image/png',
      'video/mp4',
      'application/octet-stream',
      'application/zip',
      'application/pdf',
      'font/woff2',
      'text/event-stream',
      'text/event-stream; charset=utf-8',
      'application/grpc',
      'application/grpc+json',
      'application/grpc-web+xml',
      'application/jsonx',
      'multipart/mixed',
      '',
    ];
    for (const type of others) expect(decided(['Content-Type', type])).toEqual([null, 'Content-Type', type]);
    expect(decided(['Content-Length', '5000'])).toEqual([null, 'Content-Length', '5000']);
  });

  it('changes the fields to what is sent', () => {
    const fields = [
      'ETag',
      '"abc"',
      'Content-Length',
      '5000',
      ...JSON_TYPE,
      'Accept-Ranges',
      'bytes',
      'Vary',
      'Origin',
    ];
    expect(decided(fields)).toEqual([
      'gzip',
      'ETag',
      'W/"abc"',
      ...JSON_TYPE,
      'Vary',
      'Origin, Accept-Encoding',
      'Content-Encoding',
      'gzip',
    ]);
    expect(decided(['etag', 'W/"abc"', ...JSON_TYPE])).toEqual([
      'gzip',
      'etag',
      'W/"abc"',
      ...JSON_TYPE,
      'Vary',
      'Accept-Encoding',
      'Content-Encoding',
      'gzip',
    ]);
    expect(decided(['content-encoding', 'Identity', ...JSON_TYPE])).toEqual([
      'gzip',
      ...JSON_TYPE,
      'Vary',
      'Accept-Encoding',
      'Content-Encoding',
      'gzip',
    ]);
  });

  it('says that the response varies also to those who get it plain', () => {
    const fields = [...JSON_TYPE, 'Content-Length', '5000', 'ETag', '"a"'];
    for (const headers of [{}, { 'accept-encoding': 'deflate' }, { 'accept-encoding': 'gzip;q=0' }]) {
      expect(decided([...fields], { req: { method: 'GET', headers } })).toEqual([
        null,
        ...fields,
        'Vary',
        'Accept-Encoding',
      ]);
    }
  });

  it('leaves small bodies alone, unless they must not come plain', () => {
    const small = [...JSON_TYPE, 'Content-Length', '1023'];
    expect(decided([...small])).toEqual([null, ...small]);
    expect(compressResponse(GZIP, 200, [...JSON_TYPE, 'Content-Length', '1024'])).toBe('gzip');
    expect(compressResponse({ headers: { 'accept-encoding': 'gzip, identity;q=0' } }, 200, [...small])).toBe('gzip');
  });

  it.each([
    ['Content-Encoding', 'br'],
    ['Content-Encoding', 'gzip, identity'],
    ['Cache-Control', 'public, No-Transform'],
    ['Content-Range', 'bytes 0-1/2'],
    ['Content-MD5', 'x'],
    ['Digest', 'x'],
    ['Repr-Digest', 'x'],
    ['Content-Digest', 'x'],
  ])('never touches a response with %s: %s', (name, value) => {
    for (const fields of [
      [...JSON_TYPE, name, value],
      [name.toLowerCase(), value, ...JSON_TYPE],
    ]) {
      expect(decided([...fields])).toEqual([null, ...fields]);
    }
  });

  it('obeys a client that forbids transformations', () => {
    const req = { headers: { 'accept-encoding': 'gzip', 'cache-control': 'no-transform' } };
    expect(decided([...JSON_TYPE], { req })).toEqual([null, ...JSON_TYPE]);
  });

  it('never touches answers without a whole body', () => {
    for (const status of [101, 103, 204, 205, 206, 304])
      expect(decided([...JSON_TYPE], { status })).toEqual([null, ...JSON_TYPE]);
    for (const status of [200, 203, 404, 500]) expect(compressResponse(GZIP, status, [...JSON_TYPE])).toBe('gzip');
  });

  it('gives HEAD the fields of GET and no body', () => {
    const fields = [...JSON_TYPE, 'Content-Length', '5000', 'ETag', '"a"'];
    const get = [...fields];
    compressResponse(GZIP, 200, get);
    expect(decided([...fields], { req: { ...GZIP, method: 'HEAD' } })).toEqual([null, ...get]);
  });

  it('leaves at most one length and one coding whatever the fields are', () => {
    const field = fc.constantFrom(
      JSON_TYPE,
      ['Content-Length', '9999'],
      ['Accept-Ranges', 'bytes'],
      ['ETag', '"x"'],
      ['Vary', 'a'],
      ['X-Other', 'o'],
      ['Content-Encoding', 'identity'],
    );
    fc.assert(
      fc.property(fc.uniqueArray(field), (list) => {
        const before = list.flat();
        const after = [...before];
        const coding = compressResponse(GZIP, 200, after);
        expect(after.length % 2).toBe(0);
        if (coding === null) return;
        expect(after).not.toContain('Content-Length');
        expect(after.filter((name) => name === 'Content-Encoding')).toHaveLength(1);
        expect(after.includes('X-Other')).toBe(before.includes('X-Other'));
      }),
    );
  });
});
