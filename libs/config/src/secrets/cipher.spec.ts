import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { decryptSecret, encryptSecret } from './cipher.js';

describe('an encrypted secret', () => {
  const key = randomBytes(32);

  it.each([
    ['a passphrase', 'correct horse battery staple'],
    ['32 bytes in hexadecimal', key.toString('hex')],
    ['32 bytes in base64', key.toString('base64')],
    ['32 bytes in base64url', key.toString('base64url')],
  ])('comes back with %s', (_, secretKey) => {
    const encrypted = encryptSecret('pässword\n', secretKey);
    expect(encrypted).toMatch(/^aes-gcm:(key|scrypt)\.[\w-]+$/);
    expect(decryptSecret(encrypted, secretKey)).toEqual({ text: 'pässword\n' });
  });

  it('is different each time', () => {
    expect(encryptSecret('x', 'passphrase')).not.toBe(encryptSecret('x', 'passphrase'));
  });

  it('does not care how 32 bytes are written', () => {
    expect(decryptSecret(encryptSecret('x', key.toString('hex')), key.toString('base64'))).toEqual({ text: 'x' });
  });

  it('says so when the key is another one, and shows neither', () => {
    const result = decryptSecret(encryptSecret('hunter2', 'first passphrase'), 'second passphrase');
    expect(result).toEqual({ problem: expect.stringContaining('AEGIS_SECRET_KEY is another one') });
    expect(JSON.stringify(result)).not.toMatch(/hunter2|passphrase/);
  });

  it('says so when the kind of key is another one', () => {
    expect(decryptSecret(encryptSecret('x', 'passphrase'), key.toString('hex'))).toEqual({
      problem: 'it was encrypted with a passphrase, and AEGIS_SECRET_KEY is a 32-byte key',
    });
    expect(decryptSecret(encryptSecret('x', key.toString('hex')), 'passphrase')).toEqual({
      problem: 'it was encrypted with a 32-byte key, and AEGIS_SECRET_KEY is a passphrase',
    });
  });

  it('says so when there is no key', () => {
    expect(decryptSecret(encryptSecret('x', 'passphrase'), undefined)).toEqual({
      problem: expect.stringContaining('AEGIS_SECRET_KEY is not set'),
    });
  });

  it('is refused when one character of it was changed, and when it is cut short', () => {
    const encrypted = encryptSecret('secret', key.toString('hex'));
    const flipped = encrypted.slice(0, -3) + (encrypted.at(-3) === 'A' ? 'B' : 'A') + encrypted.slice(-2);
    expect(decryptSecret(flipped, key.toString('hex'))).toHaveProperty('problem');
    expect(decryptSecret(encrypted.slice(0, 30), key.toString('hex'))).toHaveProperty('problem');
    expect(decryptSecret('aes-gcm:nonsense', key.toString('hex'))).toHaveProperty('problem');
    expect(decryptSecret('', key.toString('hex'))).toHaveProperty('problem');
  });
});
