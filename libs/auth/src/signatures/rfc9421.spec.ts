import { describe, expect, it } from '@jest/globals';
import { exchangeOf } from '#testing';
import { receivedSignatures } from './received-signature.js';
import { KEYS, MESSAGE, SHARED_SECRET, SIGNATURES } from './rfc9421.cases.js';
import { signatureBase } from './signature-base.js';
import { publicSigningKey, sharedSecret, type SigningKey } from './signing-key.js';

const SECRET = sharedSecret(Buffer.from(SHARED_SECRET, 'base64'));

function keyOf(id: string): SigningKey | null {
  return id === 'test-shared-secret' ? SECRET : publicSigningKey(KEYS[id as keyof typeof KEYS]);
}

function message(changes: Record<string, string> = {}, url = MESSAGE.url) {
  const { host, ...headers } = { ...MESSAGE.headers, ...changes };
  const exchange = exchangeOf({ method: MESSAGE.method, headers: { host, ...headers } });
  Object.assign(exchange.req, { url: url, rawHeaders: Object.entries({ Host: host, ...headers }).flat() });
  exchange.host = host;
  exchange.query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  return exchange;
}

function holds({ input, signature }: { input: string; signature: string }, exchange = message()): boolean {
  const [received] = receivedSignatures(input, signature);
  const base = received === undefined ? null : signatureBase(exchange, received);
  if (received === undefined || base === null) return false;
  return keyOf(received.keyId)?.signed(base, received.bytes) === true;
}

describe('signatures of RFC 9421, appendix B', () => {
  it.each(Object.entries(SIGNATURES))('%s: holds', (_, signed) => {
    expect(holds(signed)).toBe(true);
  });

  it.each(Object.entries(SIGNATURES))('%s: does not hold when one bit is another', (_, { input, signature }) => {
    const [, label = '', encoded = ''] = /^([^=]+)=:(.*):$/.exec(signature) ?? [];
    const bytes = Buffer.from(encoded, 'base64');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    expect(holds({ input, signature: `${label}=:${bytes.toString('base64')}:` })).toBe(false);
  });

  it('do not hold for another message than the one that was signed', () => {
    const full = SIGNATURES['full coverage, RSASSA-PSS'];
    expect(holds(full, message({ date: 'Tue, 20 Apr 2021 02:07:56 GMT' }))).toBe(false);
    expect(holds(full, message({}, '/foo?param=Value&Pet=cat'))).toBe(false);
    expect(holds(full, message({ host: 'example.org' }))).toBe(false);
    expect(holds(SIGNATURES['selective, RSASSA-PSS'], message({}, '/foo?param=Other&Pet=dog'))).toBe(true);
    expect(holds(SIGNATURES['selective, RSASSA-PSS'], message({}, '/foo?Pet=cat'))).toBe(false);
  });

  it('are read with their order and parameters, and said again as they were signed', () => {
    const [received] = receivedSignatures(
      SIGNATURES['selective, RSASSA-PSS'].input,
      SIGNATURES['selective, RSASSA-PSS'].signature,
    );
    expect(signatureBase(message(), received!)?.toString()).toBe(
      [
        '"@authority": example.com',
        `"content-digest": ${MESSAGE.headers['content-digest']}`,
        '"@query-param";name="Pet": dog',
        '"@signature-params": ("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
      ].join('\n'),
    );
  });
});

describe('what a signature covers', () => {
  function base(components: string, exchange = message()): string | null {
    const [received] = receivedSignatures(`a=(${components});keyid="k"`, 'a=:AA==:');
    const built = received === undefined ? null : signatureBase(exchange, received);
    return built?.toString().split('\n')[0] ?? null;
  }

  it.each([
    ['"@method"', '"@method": POST'],
    ['"@target-uri"', '"@target-uri": http://example.com/foo?param=Value&Pet=dog'],
    ['"@scheme"', '"@scheme": http'],
    ['"@request-target"', '"@request-target": /foo?param=Value&Pet=dog'],
    ['"@path"', '"@path": /foo'],
    ['"@query"', '"@query": ?param=Value&Pet=dog'],
    ['"content-length";bs', '"content-length";bs: :MTg=:'],
    ['"content-digest";key="sha-512"', `"content-digest";key="sha-512": ${MESSAGE.headers['content-digest'].slice(8)}`],
  ])('%s is %s', (component, line) => {
    expect(base(component)).toBe(line);
  });

  it.each([
    '"x-not-there"',
    '"Date"',
    '"@status"',
    '"@unknown"',
    '"@method";req',
    '"@query-param"',
    '"@query-param";name="absent"',
    '"date";sf',
    '"date";tr',
    '"date" "date"',
    '"content-digest";key="sha-256"',
    'date',
  ])('%s is refused', (component) => {
    expect(base(component)).toBeNull();
  });

  it('is refused for a parameter that is there twice, and reads names and values decoded', () => {
    expect(base('"@query-param";name="a"', message({}, '/?a=1&a=2'))).toBeNull();
    expect(base('"@query-param";name="a%20b"', message({}, '/?a+b=c%2Bd~'))).toBe(
      '"@query-param";name="a%20b": c%2Bd%7E',
    );
  });

  it('has the authority without the usual port, and the lines of a field joined', () => {
    expect(base('"@authority"', message({ host: 'Example.com:80' }))).toBe('"@authority": example.com');
    expect(base('"@authority"', message({ host: 'Example.com:8080' }))).toBe('"@authority": example.com:8080');
    const exchange = message();
    Object.assign(exchange.req, { rawHeaders: ['X-A', ' one ', 'x-b', 'b', 'x-a', 'two'] });
    expect(base('"x-a"', exchange)).toBe('"x-a": one, two');
  });
});

describe('Signature-Input and Signature', () => {
  it.each([
    ['not a dictionary', 'sig=(', 'sig=:AA==:'],
    ['a label without a signature', 'a=();keyid="k"', 'b=:AA==:'],
    ['no list', 'a=1;keyid="k"', 'a=:AA==:'],
    ['no bytes', 'a=();keyid="k"', 'a="AA=="'],
    ['a time that is a text', 'a=();keyid="k";created="1"', 'a=:AA==:'],
    ['a key id that is a number', 'a=();keyid=1', 'a=:AA==:'],
    ['far too much', `a=("${'x'.repeat(9000)}");keyid="k"`, 'a=:AA==:'],
    [
      'too many',
      'abcdefghi'
        .split('')
        .map((label) => `${label}=()`)
        .join(','),
      'a=:AA==:',
    ],
  ])('are not read: %s', (_, input, signature) => {
    expect(receivedSignatures(input, signature)).toEqual([]);
  });
});
