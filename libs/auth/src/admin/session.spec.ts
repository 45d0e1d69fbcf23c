import { describe, expect, it } from '@jest/globals';
import { isOfOurPages } from './session.js';

interface Sent {
  readonly origin?: string;
  readonly site?: string;
  readonly host?: string;
  /** What the listener speaks. */
  readonly secure?: boolean;
  /** What a proxy says, and whether it is believed. */
  readonly proto?: string;
  readonly trusted?: boolean;
}

function sentFrom({ origin, site, host = 'gate.example', secure = false, proto, trusted = false }: Sent): boolean {
  const headers = {
    ...(origin !== undefined && { origin }),
    ...(site !== undefined && { 'sec-fetch-site': site }),
    ...(proto !== undefined && { 'x-forwarded-proto': proto }),
  };
  return isOfOurPages({ req: { headers }, host, listener: { secure, port: 0 }, trusted });
}

describe('a request that changes something', () => {
  it.each<[string, Sent, boolean]>([
    ['a page of ours over TLS', { origin: 'https://gate.example', secure: true }, true],
    ['a page of ours in the clear', { origin: 'http://gate.example' }, true],
    [
      'a port that goes without saying',
      { origin: 'https://gate.example', host: 'gate.example:443', secure: true },
      true,
    ],
    ['another case of the host', { origin: 'http://gate.example', host: 'GATE.example' }, true],
    ['a port that is said', { origin: 'http://gate.example:8080', host: 'gate.example:8080' }, true],
    ['a trusted proxy that ends TLS', { origin: 'https://gate.example', proto: 'https', trusted: true }, true],
    ['a proxy that ends TLS and is not trusted', { origin: 'https://gate.example', proto: 'https' }, true],
    ['the browser’s word for it', { site: 'same-origin', origin: 'http://other.example' }, true],
    ['the same host in the clear, where we are on TLS', { origin: 'http://gate.example', secure: true }, false],
    [
      'the same host in the clear, where a trusted proxy ends TLS',
      { origin: 'http://gate.example', proto: 'https', trusted: true },
      false,
    ],
    ['another port of the same host', { origin: 'https://gate.example:8443', secure: true }, false],
    ['another host', { origin: 'https://evil.example', secure: true }, false],
    ['another scheme altogether', { origin: 'ftp://gate.example' }, false],
    ['nowhere', { origin: 'null' }, false],
    ['a neighbour, by the browser’s word', { site: 'same-site', origin: 'https://gate.example', secure: true }, false],
    ['nobody knows where', {}, false],
  ])('from %s', (_, sent, isOurs) => {
    expect(sentFrom(sent)).toBe(isOurs);
  });
});
