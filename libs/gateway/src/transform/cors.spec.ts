import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CorsConfig } from '#config';
import { RouteTable } from '../routing/route-table.js';
import { CorsPolicy, isPreflight } from './cors.js';
import { preflightPolicy } from './preflight-policy.js';

const APP = 'https://app.example.com';

function policy(change: Partial<CorsConfig> = {}): CorsPolicy {
  return new CorsPolicy({
    origins: [APP, 'http://localhost:5173'],
    methods: ['GET', 'PUT'],
    headers: ['content-type', 'x-api-key'],
    expose: ['x-request-id'],
    credentials: true,
    maxAge: 600_000,
    ...change,
  });
}

function applied(cors: CorsPolicy, origin: string | undefined, fields: string[] = []): string[] {
  cors.apply(origin, fields);
  return fields;
}

function named(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), fields[i + 1]!]] : [])));
}

describe('a preflight', () => {
  it('is an OPTIONS request with an origin and a method that it asks about', () => {
    const headers = { origin: APP, 'access-control-request-method': 'PUT' };
    expect(isPreflight({ method: 'OPTIONS', headers })).toBe(true);
    expect(isPreflight({ method: 'GET', headers })).toBe(false);
    expect(isPreflight({ method: 'OPTIONS', headers: { origin: APP } })).toBe(false);
    expect(isPreflight({ method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT' } })).toBe(false);
  });

  it('is told what is allowed', () => {
    const answer = policy().preflight({ origin: APP, 'access-control-request-method': 'PUT' });
    expect(answer.status).toBe(204);
    expect(answer.body).toBeNull();
    expect(named(answer.headers)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-request-id',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'content-type, x-api-key',
      'access-control-max-age': '600',
    });
  });

  it('of an origin that is not allowed is told nothing', () => {
    for (const origin of [
      'https://evil.example',
      'https://app.example.com.evil.example',
      'https://APP.example.com',
      'null',
      `${APP}:443`,
      `${APP}/`,
    ]) {
      const answer = policy().preflight({ origin, 'access-control-request-method': 'GET' });
      expect(answer).toEqual({ status: 204, headers: ['Vary', 'Origin'], body: null });
    }
  });

  it('is told nothing about private networks', () => {
    const answer = policy().preflight({
      origin: APP,
      'access-control-request-method': 'PUT',
      'access-control-request-private-network': 'true',
    });
    expect(Object.keys(named(answer.headers))).not.toContain('access-control-allow-private-network');
  });

  it('is answered with * where everything is allowed, and with what it asked for where credentials forbid *', () => {
    const asked = {
      origin: APP,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'x-a, x-b',
    };
    const open = policy({ origins: ['*'], methods: ['*'], headers: ['*'], credentials: false, expose: [] });
    expect(named(open.preflight(asked).headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': '*',
      'access-control-allow-headers': '*',
      'access-control-max-age': '600',
    });
    const credentialed = policy({ methods: ['*'], headers: ['*'], expose: [] });
    expect(named(credentialed.preflight(asked).headers)).toEqual({
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'PATCH',
      'access-control-allow-headers': 'x-a, x-b',
      'access-control-max-age': '600',
    });
    const odd = credentialed.preflight({
      ...asked,
      'access-control-request-method': 'A B',
      'access-control-request-headers': 'x;y',
    });
    expect(Object.keys(named(odd.headers))).not.toContain('access-control-allow-methods');
    expect(Object.keys(named(odd.headers))).not.toContain('access-control-allow-headers');
  });

  it('follows the policy of the route that the announced request would take', () => {
    const route = { hosts: [], headers: {}, query: {}, priority: 0 };
    const [one, gateway] = [policy(), policy({ origins: ['*'], credentials: false })];
    const table = new RouteTable([
      { ...route, name: 'put', path: { kind: 'prefix', value: '/a' }, methods: ['PUT'], cors: one },
      { ...route, name: 'off', path: { kind: 'prefix', value: '/off' }, methods: [], cors: null },
    ]);
    const asked = (path: string, method: string) =>
      preflightPolicy(table, gateway, {
        req: { headers: { 'access-control-request-method': method } },
        host: 'x',
        path,
        query: '',
      });
    expect(asked('/a/b', 'PUT')).toBe(one);
    expect(asked('/a/b', 'GET')).toBe(gateway);
    expect(asked('/none', 'GET')).toBe(gateway);
    expect(asked('/off', 'GET')).toBeNull();
  });
});

describe('a response', () => {
  it('names the origin that may read it, and what may be read', () => {
    expect(named(applied(policy(), APP, ['Content-Type', 'text/plain']))).toEqual({
      'content-type': 'text/plain',
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'x-request-id',
      vary: 'Origin',
    });
  });

  it('varies by origin also when the origin is another or missing', () => {
    expect(applied(policy(), undefined)).toEqual(['Vary', 'Origin']);
    expect(applied(policy(), 'https://evil.example', ['vary', 'accept'])).toEqual(['vary', 'accept, Origin']);
    expect(applied(policy(), undefined, ['Vary', 'Accept, ORIGIN'])).toEqual(['Vary', 'Accept, ORIGIN']);
    expect(applied(policy(), undefined, ['Vary', '*'])).toEqual(['Vary', '*']);
  });

  it('is open to everyone without Vary where * is configured', () => {
    const open = policy({ origins: ['*'], credentials: false, expose: [] });
    for (const origin of [undefined, APP, 'null']) {
      expect(applied(open, origin)).toEqual(['Access-Control-Allow-Origin', '*']);
      expect(open.fieldsFor(origin)).toEqual(['Access-Control-Allow-Origin', '*']);
    }
  });

  it('exposes what is named, and everything only where credentials do not forbid *', () => {
    const exposed = (change: Partial<CorsConfig>): string | undefined =>
      named(applied(policy(change), APP))['access-control-expose-headers'];
    expect(exposed({ expose: ['*'], credentials: false })).toBe('*');
    expect(exposed({ expose: ['*'], credentials: true })).toBeUndefined();
    expect(exposed({ expose: ['x-a', '*', 'x-b'], credentials: true })).toBe('x-a, x-b');
  });

  it('loses what the upstream says about origins, so that no field stands there twice', () => {
    const fields = ['access-control-allow-origin', '*', 'ETag', '"1"', 'Access-Control-Allow-Credentials', 'true'];
    expect(applied(policy(), 'https://evil.example', [...fields])).toEqual(['ETag', '"1"', 'Vary', 'Origin']);
    expect(applied(policy({ credentials: false, expose: [] }), APP, [...fields])).toEqual([
      'ETag',
      '"1"',
      'Access-Control-Allow-Origin',
      APP,
      'Vary',
      'Origin',
    ]);
  });

  it('of Aegis itself carries the same', () => {
    for (const origin of [APP, 'https://evil.example', undefined]) {
      expect(named(policy().fieldsFor(origin))).toEqual(named(applied(policy(), origin)));
    }
  });

  it('allows no origin but those that are listed', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl().map((url) => new URL(url).origin),
          fc.string(),
          fc.constantFrom('null', '', '*', 'constructor'),
        ),
        (origin) => {
          expect(named(applied(policy(), origin))).toEqual({ vary: 'Origin' });
        },
      ),
    );
  });
});
