import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AuthConfig } from '#config';
import { otherReadingsOf, type Principal, type ReadablePath } from '#kernel';
import { Demands } from './demands.js';
import { PathRules } from './path-rules.js';
import { covers } from './permission.js';
import { Roles } from './roles.js';

type Rule = AuthConfig['rbac']['rules'][number];

function caller(roles: readonly string[], scopes: readonly string[] = []): Principal {
  return { consumer: 'x', id: 'x', roles, scopes, plan: null, credential: '', user: null, claims: {} };
}

function role(permissions: readonly string[], inherits: readonly string[] = []) {
  return { permissions, inherits };
}

function rule(path: string, fields: Partial<Rule> = {}): Rule {
  return { path, methods: [], roles: [], permissions: [], ...fields };
}

function at(path: string): ReadablePath {
  return { path, otherReadings: otherReadingsOf(path) };
}

const roles = new Roles({ user: role(['read:*']), clerk: role(['write:orders'], ['user']) });

describe('permissions', () => {
  it.each([
    ['*', 'read:metrics', true],
    ['*', 'read', true],
    ['read:*', 'read:metrics', true],
    ['read:*', 'read:metrics:daily', true],
    ['read:*', 'read', false],
    ['read:*', 'reader:metrics', false],
    ['read:metrics', 'read:metrics', true],
    ['read:metrics', 'read:metrics:daily', false],
    ['read:metrics', 'read:metric', false],
    ['*:metrics', 'write:metrics', true],
    ['*:metrics', 'write:orders', false],
    ['read:*:daily', 'read:metrics:daily', true],
    ['read:*:daily', 'read:metrics', false],
    ['', 'read', false],
    ['Read:metrics', 'read:metrics', false],
  ])('%s for %s: %s', (granted, needed, expected) => {
    expect(covers(granted, needed)).toBe(expected);
  });

  it('without a wildcard cover themselves only, and with one at the end all that begin so', () => {
    const word = fc.stringMatching(/^[a-z]{1,5}$/);
    const permission = fc.array(word, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(permission, permission, (a, b) => {
        expect(covers(a.join(':'), b.join(':'))).toBe(a.join(':') === b.join(':'));
        expect(covers([...a, '*'].join(':'), b.join(':'))).toBe(b.join(':').startsWith(`${a.join(':')}:`));
      }),
    );
  });
});

describe('roles', () => {
  it('stand for those that they inherit, however far', () => {
    const chain = new Roles({ a: role([], ['b']), b: role([], ['c']), c: role(['x:y']) });
    expect([...chain.standingFor(['c'])].sort()).toEqual(['a', 'b', 'c']);
    expect([...chain.granting('x:y')].sort()).toEqual(['a', 'admin', 'b', 'c']);
    expect([...chain.granting('x:z')]).toEqual(['admin']);
  });

  it('may go in circles without harm', () => {
    const circle = new Roles({ a: role(['p'], ['b']), b: role([], ['c']), c: role([], ['a']) });
    expect([...circle.granting('p')].sort()).toEqual(['a', 'admin', 'b', 'c']);
  });

  it('that nobody declared grant nothing, whatever they are called', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'unknown', '*', '']) {
      expect(new Demands({ roles: [], permissions: ['read:x'] }, roles).missing(caller([name]))).not.toBeNull();
      expect(new Demands({ roles: ['user'], permissions: [] }, roles).missing(caller([name]))).not.toBeNull();
    }
  });
});

describe('demands', () => {
  const all = { roles: ['user', 'ops'], permissions: ['read:a', 'write:orders'], scopes: ['s', 't'] };

  it('are one role, all permissions and all scopes', () => {
    const demands = new Demands(all, roles);
    expect(demands.missing(caller(['clerk'], ['s', 't']))).toBeNull();
    expect(demands.missing(caller(['guest'], ['s', 't']))).toBe('One of the roles "user", "ops" is missing.');
    expect(demands.missing(caller(['user'], ['s', 't']))).toBe('Missing permission: "write:orders".');
    expect(demands.missing(caller(['clerk'], ['t']))).toBe('Missing scope: "s".');
  });

  it('never tell what the caller has, nor who else would get in', () => {
    const told = new Demands({ roles: [], permissions: ['write:orders'] }, roles).missing(caller(['secret-role']));
    expect(told).not.toMatch(/secret-role|clerk|admin|user/);
  });
});

describe('rules', () => {
  it('are judged in order: the first that fits path and method decides', () => {
    const rules = new PathRules(
      [
        rule('/a/b', { roles: ['clerk'] }),
        rule('/a/*', { methods: ['GET'], roles: ['user'] }),
        rule('/*', { roles: ['ops'] }),
      ],
      roles,
    );
    const missing = (who: readonly string[], method: string, path: string): string | null =>
      rules.missing(caller(who), method, at(path));
    expect(missing(['user'], 'GET', '/a/b')).toBe('The role "clerk" is missing.');
    expect(missing(['user'], 'GET', '/a/c')).toBeNull();
    expect(missing(['user'], 'POST', '/a/c')).toBe('The role "ops" is missing.');
    expect(missing(['ops'], 'GET', '/elsewhere')).toBeNull();
  });

  it('close a path to methods that none of them names', () => {
    const rules = new PathRules([rule('/a/*', { methods: ['GET'] })], roles);
    expect(rules.missing(caller(['admin']), 'GET', at('/a'))).toBeNull();
    expect(rules.missing(caller(['admin']), 'HEAD', at('/a'))).toBe('No rule lets this method in here.');
    expect(rules.missing(caller([]), 'DELETE', at('/ab'))).toBeNull();
  });

  it.each([
    '/admin',
    '/admin/',
    '/admin/x',
    '/admin%2Fx',
    '/admin%2fx',
    '/admin%5Cx',
    '/admin;a=1',
    '/admin;a=1/x',
    '/admin%3Ba/x',
    '//admin/x',
    '/%2Fadmin',
    '/public/..;/admin',
    '/public/..;/admin/x',
    '/public/..;a=1/admin/x',
    '/public/..%3B/admin',
    '/public;a=1/..;/admin/x',
    '/public/.;/..;/admin',
    '/..;/admin',
    '/x%2F..;%2Fadmin',
    '/a/b%2F..;%2F..;/admin',
    '/public/;/..;/admin',
    '/admin/;/..;',
    '/admin/x/..;',
    '/%2561dmin',
    '/admin%252Fx',
    '/admin%253Ba',
    '/public/..%253B/admin',
  ])('for /admin/* cover %s, as upstreams may read it', (path) => {
    const rules = new PathRules([rule('/admin/*', { roles: ['ops'] })], roles);
    expect(rules.cover(at(path))).toBe(true);
    expect(rules.missing(caller(['user']), 'GET', at(path))).toBe('The role "ops" is missing.');
  });

  it.each(['/administrator', '/', '/x/admin', '/adminx/admin', '/x%2Fadmin', '/admin..;/x', '/x/..a;/admin'])(
    'for /admin/* do not cover %s',
    (path) => {
      expect(new PathRules([rule('/admin/*')], roles).cover(at(path))).toBe(false);
    },
  );

  it('that let somebody in somewhere do not help where the path can be read in another way', () => {
    const rules = new PathRules([rule('/public/*', { roles: ['user'] }), rule('/*', { roles: ['ops'] })], roles);
    expect(rules.missing(caller(['user']), 'GET', at('/public/x'))).toBeNull();
    expect(rules.missing(caller(['user']), 'GET', at('/public%2Fx'))).toBe('The role "ops" is missing.');
  });

  it('decide like a plain walk through the list', () => {
    const segment = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    const pattern = fc
      .tuple(path, fc.boolean())
      .map(([base, below]) => (below ? `${base === '/' ? '' : base}/*` : base));
    const method = fc.constantFrom('GET', 'POST', 'PUT');
    const anyRule = fc.record({ path: pattern, methods: fc.subarray(['GET', 'POST'] as Rule['methods'][number][]) });
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 8 }), path, method, (list, where, how) => {
        const named = list.map((each, n) => rule(each.path, { methods: each.methods, roles: [`r${n}`] }));
        const covering = named.filter(({ path: p }) =>
          p.endsWith('/*') ? `${where}/`.startsWith(p.slice(0, -1)) || where === p.slice(0, -2) : where === p,
        );
        const first = covering.find(({ methods }) => methods.length === 0 || methods.some((each) => each === how));
        const missing = new PathRules(named, roles).missing(caller([]), how, at(where));
        if (covering.length === 0) expect(missing).toBeNull();
        else if (first === undefined) expect(missing).toBe('No rule lets this method in here.');
        else expect(missing).toBe(`The role "${first.roles[0] ?? ''}" is missing.`);
      }),
    );
  });
});
