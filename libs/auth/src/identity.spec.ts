import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Principal } from '#kernel';
import { identityLines } from './identity.js';

function lines(fields: Partial<Principal>): string {
  const nobody = { consumer: 'a', id: 'a', roles: [], scopes: [], plan: null, credential: '', user: null, claims: {} };
  return identityLines({ ...nobody, ...fields });
}

describe('what the upstream is told of the caller', () => {
  it('is the name, the id and the roles', () => {
    expect(lines({ consumer: 'mobile-app', id: '1', roles: ['user', 'ops'] })).toBe(
      'X-Consumer-Name: mobile-app\r\nX-Consumer-Id: 1\r\nX-Consumer-Roles: user,ops\r\n',
    );
    expect(lines({})).toBe('X-Consumer-Name: a\r\nX-Consumer-Id: a\r\n');
  });

  it('stays one line for one name, and one role for one role', () => {
    expect(lines({ consumer: 'a\r\nX-Evil: 1', roles: ['user,admin', 'x%2Cy'] })).toBe(
      'X-Consumer-Name: a%0D%0AX-Evil:%201\r\nX-Consumer-Id: a\r\nX-Consumer-Roles: user%2Cadmin,x%252Cy\r\n',
    );
    expect(lines({ consumer: 'Jürgen \ud800' })).toContain('X-Consumer-Name: J%C3%BCrgen%20%EF%BF%BD\r\n');
  });

  it('can be read back whatever the names are', () => {
    const name = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(name, fc.array(name, { minLength: 1 }), (consumer, roles) => {
        const fields = lines({ consumer, roles }).split('\r\n');
        expect(fields).toHaveLength(4);
        expect(fields.join('')).toMatch(/^[ -~]*$/);
        expect(decodeURIComponent(fields[0]?.slice('X-Consumer-Name: '.length) ?? '')).toBe(consumer);
        const listed = (fields[2] ?? '').slice('X-Consumer-Roles: '.length).split(',');
        expect(listed.map(decodeURIComponent)).toEqual(roles);
      }),
    );
  });
});
