import { describe, expect, it } from '@jest/globals';
import { compileRespond } from './respond.js';

describe('a fixed answer', () => {
  it('has its status, fields and body, with the length in bytes', () => {
    expect(compileRespond({ status: 503, body: 'zurück später', headers: { 'retry-after': '60' } })).toEqual({
      status: 503,
      headers: ['retry-after', '60', 'Content-Type', 'text/plain; charset=utf-8', 'Content-Length', '15'],
      body: Buffer.from('zurück später'),
    });
  });

  it('keeps a type that is given', () => {
    const { headers } = compileRespond({ status: 200, body: '{}', headers: { 'content-type': 'application/json' } });
    expect(headers).toEqual(['content-type', 'application/json', 'Content-Length', '2']);
  });

  it('has no body where HTTP allows none', () => {
    expect(compileRespond({ status: 204, body: 'x', headers: {} })).toEqual({ status: 204, headers: [], body: null });
    expect(compileRespond({ status: 304, body: 'x', headers: { etag: '"1"' } })).toEqual({
      status: 304,
      headers: ['etag', '"1"'],
      body: null,
    });
    expect(compileRespond({ status: 205, body: 'x', headers: {} })).toEqual({
      status: 205,
      headers: ['Content-Length', '0'],
      body: null,
    });
    expect(compileRespond({ status: 200, body: '', headers: {} })).toEqual({
      status: 200,
      headers: ['Content-Length', '0'],
      body: null,
    });
  });
});
