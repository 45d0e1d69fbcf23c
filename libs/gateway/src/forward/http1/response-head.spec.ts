import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CHUNKED, parseResponseHead, parseTrailers, type ResponseHead, UNTIL_CLOSE } from './response-head.js';

function parse(text: string, method = 'GET'): ResponseHead {
  const head = parseResponseHead(text, method);
  if (typeof head === 'string') throw new Error(head);
  return head;
}

describe('parseResponseHead', () => {
  it('reads status, reason and fields as they were written', () => {
    const head = parse(
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Two:  spaced out \t\r\nX-Empty:\r\nContent-Length: 5\r\n',
    );
    expect(head).toMatchObject({ status: 200, reason: 'OK', length: 5, keepAlive: true });
    expect(head.headers).toEqual([
      'Content-Type',
      'text/plain',
      'X-Two',
      'spaced out',
      'X-Empty',
      '',
      'Content-Length',
      '5',
    ]);
  });

  it('takes a status line without a reason, and latin1 in reasons and values', () => {
    expect(parse('HTTP/1.1 204\r\n')).toMatchObject({ status: 204, reason: '', length: 0 });
    expect(parse('HTTP/1.1 200 \r\n')).toMatchObject({ status: 200, reason: '' });
    expect(parse('HTTP/1.1 404 Pas trouv\xe9\r\nX: \xff\r\n').headers).toEqual(['X', '\xff']);
  });

  it('frames the body by the method and the status before the fields', () => {
    expect(parse('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n', 'HEAD').length).toBe(0);
    expect(parse('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n').length).toBe(0);
    expect(parse('HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n').length).toBe(0);
    expect(parse('HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n').length).toBe(CHUNKED);
    expect(parse('HTTP/1.1 200 OK\r\n').length).toBe(UNTIL_CLOSE);
  });

  it('keeps hop-by-hop fields and those that Connection names to itself', () => {
    const head = parse(
      'HTTP/1.1 200 OK\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=7\r\nProxy-Connection: x\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\nX-Kept: 2\r\n',
    );
    expect(head.headers).toEqual(['X-Kept', '2']);
    expect(head).toMatchObject({ keepAlive: false, keepAliveTimeout: 7, upgrade: '' });
  });

  it('does not let Connection take the length away', () => {
    const head = parse('HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 3\r\n');
    expect(head.headers).toEqual(['Content-Length', '3']);
  });

  it('announces trailers only where chunks can carry them, and no length where there is no body', () => {
    const announced = 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n';
    expect(parse(announced).headers).toEqual(['Trailer', 'X-Sum']);
    expect(parse(announced, 'HEAD').headers).toEqual([]);
    expect(parse('HTTP/1.1 200 OK\r\ntrailer: X\r\nContent-Length: 3\r\n').headers).toEqual(['Content-Length', '3']);
    expect(parse('HTTP/1.1 204 No Content\r\nContent-Length: 3\r\nX: 1\r\n').headers).toEqual(['X', '1']);
  });

  it('keeps HTTP/1.0 connections only when asked to', () => {
    expect(parse('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n').keepAlive).toBe(false);
    expect(parse('HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n').keepAlive).toBe(true);
  });

  it.each([
    ['HTTP/2 200 OK\r\n', 'status line'],
    ['HTTP/1.1 20 OK\r\n', 'status line'],
    ['HTTP/1.1 2000 OK\r\n', 'status line'],
    ['HTTP/1.1 099 Low\r\n', 'status line'],
    ['HTTP/1.1  200 OK\r\n', 'status line'],
    ['http/1.1 200 OK\r\n', 'status line'],
    ['HTTP/1.1 200 O\x00K\r\n', 'control'],
    ['HTTP/1.1 200 OK\r\nA : 1\r\n', 'name'],
    ['HTTP/1.1 200 OK\r\n: 1\r\n', 'name'],
    ['HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n', 'name'],
    ['HTTP/1.1 200 OK\r\nA: 1\nB: 2\r\n', 'control'],
    ['HTTP/1.1 200 OK\r\nA: 1\rB: 2\r\n', 'control'],
    ['HTTP/1.1 200 OK\r\nA: \x00\r\n', 'control'],
    ['HTTP/1.1 200 OK\r\nContent-Length: +5\r\n', 'Content-Length'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n', 'Content-Length'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n', 'disagree'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'both'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n', 'chunked'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', 'two'],
  ])('refuses %j', (text, why) => {
    const head = parseResponseHead(text, 'GET');
    expect(head).toEqual(expect.stringContaining(why));
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.boolean(), (noise, started) => {
        parseResponseHead(started ? `HTTP/1.1 200 OK\r\n${noise}` : noise, 'GET');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseTrailers', () => {
  it('reads fields, drops what frames or authenticates, and refuses what is malformed', () => {
    expect(parseTrailers('\r\ngrpc-status: 0\r\nContent-Length: 5\r\nX: y\r\n\r\n')).toEqual([
      'grpc-status',
      '0',
      'X',
      'y',
    ]);
    expect(parseTrailers('\r\n\r\n')).toEqual([]);
    for (const wrong of ['\r\nno colon\r\n\r\n', '\r\n: x\r\n\r\n', '\r\na b: x\r\n\r\n', '\r\na: \x00\r\n\r\n']) {
      expect(parseTrailers(wrong)).toBeUndefined();
    }
  });
});
