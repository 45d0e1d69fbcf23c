import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type Entity } from './kinds.js';
import { readEntity } from './read.js';
import { Seal } from './seal.js';

const KEY = randomBytes(32).toString('hex');
const SECRET = 'shared-with-the-partner-0123456789abcdef';
const CONSUMER: Entity = {
  kind: 'consumers',
  name: 'partner',
  spec: { roles: ['user'], hmac: [{ keyId: 'p', secret: SECRET }] },
};
const ROUTE: Entity = { kind: 'routes', name: 'plain', spec: { path: '/plain', upstream: 'u', methods: ['GET'] } };

describe('a sealed entity', () => {
  it.each([KEY, 'a passphrase of somebody'])(
    'shows nothing of its secrets, and is the same when it is opened',
    (key) => {
      const seal = new Seal(key);
      const sealed = seal.seal(CONSUMER);
      expect(JSON.stringify(sealed)).not.toContain(SECRET);
      expect(sealed).toMatchObject({ roles: ['user'], hmac: [{ keyId: 'p' }] });
      expect(new Seal(key).open(sealed)).toEqual(CONSUMER.spec);
    },
  );

  it('is as it was where there is no secret or no key, and what was stored before a key was set is read', () => {
    expect(new Seal(KEY).seal(ROUTE)).toBe(ROUTE.spec);
    expect(new Seal(undefined).seal(CONSUMER)).toBe(CONSUMER.spec);
    expect(new Seal(KEY).open(CONSUMER.spec)).toBe(CONSUMER.spec);
  });

  it.each([undefined, 'another key'])('cannot be served with %s', (key) => {
    const spec = new Seal(key).open(new Seal(KEY).seal(CONSUMER));
    const { mistakes } = readEntity({ ...CONSUMER, spec });
    expect(mistakes).toEqual([
      { path: 'hmac[0].secret.encrypted', message: expect.stringContaining('AEGIS_SECRET_KEY') },
    ]);
  });
});
