import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { afterAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { type Config, loadConfig } from '#config';
import { FailedCredentials } from '#rate-limit';
import { exchangeOf, FakeClock, scratchFolder } from '#testing';
import { AccessPolicy } from './access-policy.js';
import { AuthenticationGuard } from './authentication.guard.js';
import { StoredKeys } from './keys/stored-keys.js';
import { RbacGuard } from './rbac.guard.js';
import { MemoryReplays } from './signatures/replays.js';
import { Stores } from './stores.js';

type ExchangeFields = NonNullable<Parameters<typeof exchangeOf>[0]>;

const SECRET = randomBytes(32).toString('hex');
const KEY = 'a-declared-key';
const HASH = createHash('sha256').update(KEY).digest('hex');
const clock = new FakeClock();
const folder = scratchFolder('guards');
afterAll(() => rmSync(folder, { recursive: true }));

async function configOf(requirement: unknown, auth: Record<string, unknown> = {}): Promise<Config> {
  const file = join(folder, 'aegis.yaml');
  const routes = [{ name: 'r', path: '/', respond: { status: 200 }, auth: requirement }];
  const consumers = [{ name: 'app', roles: ['user'], apiKeys: [{ hash: `sha256:${HASH}` }] }];
  writeFileSync(file, JSON.stringify({ gateway: { routes }, auth: { consumers, ...auth } }));
  const loaded = await loadConfig({ file, env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes));
  return loaded.config;
}

/** What the two guards say one after the other: true, or the refusal. */
class Gate {
  counted = 0;
  /** What the database says of keys. */
  reading: ReturnType<ConstructorParameters<typeof StoredKeys>[0]> = Promise.resolve({ epoch: '', keys: [] });
  readonly policy: AccessPolicy;
  private readonly authentication: AuthenticationGuard;

  static async of(
    requirement: unknown,
    auth?: Record<string, unknown>,
    previous: AccessPolicy | null = null,
  ): Promise<Gate> {
    return new Gate(await configOf(requirement, auth), previous);
  }

  private constructor(
    private readonly config: Config,
    previous: AccessPolicy | null,
  ) {
    this.policy = new AccessPolicy(this.config.auth, previous, {
      clock,
      clientCertificates: false,
      tell: () => undefined,
    });
    const store = {
      check: () => {
        this.counted++;
        return Promise.resolve('checked' as const);
      },
    };
    const failed = new FailedCredentials(() => store as never, store as never, clock);
    this.authentication = new AuthenticationGuard(
      new Stores(new StoredKeys(async () => await this.reading, clock), new MemoryReplays(clock)),
      failed,
    );
  }

  exchange(fields: ExchangeFields) {
    const exchange = exchangeOf(fields);
    const [route] = this.config.gateway.routes;
    if (route === undefined) throw new Error('no route');
    return Object.assign(exchange, { route: { name: 'r', access: this.policy.forRoute(route) } });
  }

  pass(exchange: ReturnType<Gate['exchange']>): boolean | Promise<boolean> {
    const context = new ExecutionContextHost([exchange]);
    const known = this.authentication.canActivate(context);
    const allowed = (isKnown: boolean): boolean | Promise<boolean> => isKnown && new RbacGuard().canActivate(context);
    return known instanceof Promise ? known.then(allowed) : allowed(known);
  }

  /** true, or the code of the refusal. */
  async ask(fields: ExchangeFields): Promise<unknown> {
    const exchange = this.exchange(fields);
    return (await this.pass(exchange)) || exchange.refusal?.code;
  }
}

const nothing: ExchangeFields = {};
const good: ExchangeFields = { headers: { 'x-api-key': KEY } };
const wrong: ExchangeFields = { headers: { 'x-api-key': 'wrong' } };

async function bearer(text?: string): Promise<ExchangeFields> {
  const token =
    text ?? (await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(SECRET)));
  return { headers: { authorization: `Bearer ${token}` } };
}

describe('a route', () => {
  it.each([
    ['required', 'authentication_required', true, 'invalid_credentials'],
    ['optional', true, true, 'invalid_credentials'],
    ['none', true, true, true],
  ])('that says %s: without, with a good, with a wrong credential', async (mode, ...expected) => {
    const gate = await Gate.of(mode);
    expect([await gate.ask(nothing), await gate.ask(good), await gate.ask(wrong)]).toEqual(expected);
    expect(gate.counted).toBe(mode === 'none' ? 0 : 1);
  });

  it('lets in who is known without waiting for what others of the address ask about', async () => {
    const gate = await Gate.of('required');
    let answer: (keys: Awaited<Gate['reading']>) => void = () => undefined;
    gate.reading = new Promise((resolve) => (answer = resolve));
    const guesses = Array.from({ length: 50 }, (_, i) => gate.ask({ headers: { 'x-api-key': `unknown ${i}` } }));
    expect(gate.pass(gate.exchange(good))).toBe(true);
    answer({ epoch: '', keys: [] });
    expect(new Set(await Promise.all(guesses))).toEqual(new Set(['invalid_credentials']));
  });

  it.each(['required', 'optional', { methods: ['mtls'] }])('is 503 where no method works: %j', async (requirement) => {
    const gate = await Gate.of(requirement, { apiKeys: 'off' });
    for (const fields of [nothing, good, wrong, { headers: { authorization: 'Basic YTpi' } }]) {
      expect(await gate.ask(fields)).toBe('not_configured');
    }
  });

  it('takes the methods that work of those that it lists', async () => {
    const gate = await Gate.of({ methods: ['mtls', 'api-key'] });
    expect([await gate.ask(nothing), await gate.ask(good)]).toEqual(['authentication_required', true]);
  });

  it('takes no method that it does not list', async () => {
    const gate = await Gate.of({ methods: ['api-key'] }, { jwt: { secrets: [SECRET] } });
    expect(await gate.ask(await bearer())).toBe('authentication_required');
  });

  it.each(['none', 'optional', 'required'])(
    'that says %s needs a known caller where rules cover the path',
    async (mode) => {
      const gate = await Gate.of(mode, { rbac: { rules: [{ path: '/in/*', roles: ['user'] }] } });
      expect(await gate.ask({ path: '/in' })).toBe('authentication_required');
      expect(await gate.ask({ path: '/in%2Fx' })).toBe('authentication_required');
      expect(await gate.ask({ path: '/in/x', ...good })).toBe(true);
      expect(await gate.ask({ path: '/in/x', ...wrong })).toBe('invalid_credentials');
      expect(await gate.ask({ path: '/out' })).toBe(mode === 'required' ? 'authentication_required' : true);
    },
  );
});

describe('the first method for which there is a credential', () => {
  const auth = { jwt: { secrets: [SECRET] } };

  it('decides alone', async () => {
    const both = await Gate.of('required', auth);
    const token = (await bearer()).headers;
    expect(await both.ask({ headers: { ...token, 'x-api-key': 'wrong' } })).toBe('invalid_credentials');
    expect(await both.ask({ headers: { authorization: 'Bearer wrong', 'x-api-key': KEY } })).toBe(true);
    const tokensFirst = await Gate.of({ methods: ['jwt', 'api-key'] }, auth);
    expect(await tokensFirst.ask({ headers: { authorization: 'Bearer wrong', 'x-api-key': KEY } })).toBe(
      'invalid_credentials',
    );
  });

  it('is not one whose field is empty or of another scheme', async () => {
    const gate = await Gate.of('required', auth);
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer  ', 'Basic YTpi', 'Bearerx y', 'Token x']) {
      expect(await gate.ask({ headers: { authorization, 'x-api-key': '' } })).toBe('authentication_required');
    }
    expect(
      await gate.ask({
        headers: { authorization: (await bearer()).headers?.['authorization']?.replace('Bearer', 'bEARER') ?? '' },
      }),
    ).toBe(true);
  });

  it('may be a key in Authorization, beside tokens', async () => {
    const gate = await Gate.of('required', { ...auth, apiKeys: { headers: ['authorization'] } });
    for (const authorization of [`Bearer ${KEY}`, `ApiKey ${KEY}`])
      expect(await gate.ask({ headers: { authorization } })).toBe(true);
    expect(await gate.ask(await bearer())).toBe(true);
  });
});

describe('the guards', () => {
  it('answer without a promise what is known: a declared key, and a token the second time', async () => {
    const gate = await Gate.of('required', { jwt: { secrets: [SECRET] } });
    expect(gate.pass(gate.exchange(good))).toBe(true);
    const token = await bearer();
    await gate.ask(token);
    expect(gate.pass(gate.exchange(token))).toBe(true);
  });

  it('refuse a known caller who lacks what the route asks for', async () => {
    const gate = await Gate.of({ roles: ['ops'] });
    expect([await gate.ask(nothing), await gate.ask(good)]).toEqual(['authentication_required', 'forbidden']);
  });

  it('let nobody in whom only the second of them sees', async () => {
    const gate = await Gate.of('required');
    expect(new RbacGuard().canActivate(new ExecutionContextHost([gate.exchange(nothing)]))).toBe(false);
  });
});

describe('a new configuration', () => {
  it('keeps what is known of tokens, unless something about them has changed', async () => {
    const auth = { jwt: { secrets: [SECRET] } };
    const first = await Gate.of('required', auth);
    const token = await bearer();
    await first.ask(token);
    const same = await Gate.of('optional', auth, first.policy);
    expect(same.pass(same.exchange(token))).toBe(true);
    const others = [
      { jwt: { secrets: [randomBytes(32).toString('hex')] } },
      { jwt: { secrets: [SECRET], audience: 'x' } },
      { jwt: { secrets: [SECRET], algorithms: ['HS512'] } },
    ];
    for (const other of others)
      expect(await (await Gate.of('required', other, first.policy)).ask(token)).toBe('invalid_credentials');
  });
});
