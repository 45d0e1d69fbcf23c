import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type RateLimitingConfig, type RateLimitRule } from '#config';
import { type Exchange, type Refusal } from '#kernel';
import { exchangeOf, FakeClock, limitRule, rateLimiting } from '#testing';
import { FailedCredentials } from './failed-credentials.js';
import { RateLimiter } from './rate-limiter.js';
import { RuleSet } from './rules/rule-set.js';
import { MemoryStore } from './stores/memory-store.js';

class Gateway {
  readonly clock = new FakeClock();
  readonly memory = new MemoryStore(this.clock);
  readonly limiter: RateLimiter;

  constructor(config: Partial<RateLimitingConfig>) {
    const rules = new RuleSet(rateLimiting(config), []);
    this.limiter = new RateLimiter(() => rules, { memory: this.memory, redis: null, leased: null });
  }

  /** The refusal, if it is refused. */
  request(fields: Parameters<typeof exchangeOf>[0] = {}): { exchange: Exchange; refusal?: Refusal } {
    const exchange = exchangeOf(fields);
    const refusal = this.limiter.check(exchange);
    if (refusal instanceof Promise) throw new Error('it should have known at once');
    return refusal === null ? { exchange } : { exchange, refusal };
  }
}

function fieldsOf({ answerHeaders }: Exchange): Record<string, string> {
  return Object.fromEntries(
    answerHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, answerHeaders[index + 1]!] as const] : [])),
  );
}

const critical = limitRule({ name: 'critical', algorithm: 'fixed-window', limit: 2, window: 60_000 });

describe('an allowed answer', () => {
  it('says what is left, in the form of the draft and in the old one', () => {
    const gateway = new Gateway({ rules: [critical] });
    gateway.clock.advance(17_000);
    const { exchange } = gateway.request();
    expect(fieldsOf(exchange)).toEqual({
      'RateLimit-Policy': '"critical";q=2;w=60',
      RateLimit: '"critical";r=1;t=43',
      'X-RateLimit-Limit': '2',
      'X-RateLimit-Remaining': '1',
      'X-RateLimit-Reset': '43',
    });
    expect(exchange.rateLimited).toBe(false);
    expect(exchange.limits).toMatchObject([
      { rule: { name: 'critical' }, key: 'ip=192.0.2.1', allowed: true, remaining: 1 },
    ]);
  });

  it('lists every policy in the order of the file, and what is left with the tightest first', () => {
    const hour = limitRule({ name: 'hour', algorithm: 'fixed-window', limit: 1000, window: 3_600_000 });
    const { exchange } = new Gateway({ rules: [hour, critical] }).request();
    expect(fieldsOf(exchange)).toEqual({
      'RateLimit-Policy': '"hour";q=1000;w=3600, "critical";q=2;w=60',
      RateLimit: '"critical";r=1;t=60, "hour";r=999;t=3600',
      'X-RateLimit-Limit': '2',
      'X-RateLimit-Remaining': '1',
      'X-RateLimit-Reset': '60',
    });
  });

  it.each([
    [['draft'] as const, ['RateLimit-Policy', 'RateLimit']],
    [['legacy'] as const, ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset']],
    [[] as const, []],
  ])('with headers: %j has %j', (headers, names) => {
    const { exchange } = new Gateway({ rules: [critical], headers }).request();
    expect(Object.keys(fieldsOf(exchange))).toEqual(names);
  });

  it('says nothing of rules in shadow, and leaves out a window that is no whole number of seconds', () => {
    const shadow = limitRule({ name: 'shadow', limit: 1, mode: 'shadow' });
    const short = limitRule({ name: 'short', limit: 5, window: 1500 });
    const gateway = new Gateway({ rules: [shadow, short] });
    gateway.request();
    const { exchange, refusal } = gateway.request();
    expect(refusal).toBeUndefined();
    expect(fieldsOf(exchange)['RateLimit-Policy']).toBe('"short";q=5');
    expect(fieldsOf(exchange)['RateLimit']).toBe('"short";r=3;t=1');
    expect(exchange.limits).toMatchObject([{ allowed: false, rule: { shadow: true } }, { allowed: true }]);
  });
});

describe('a refusal', () => {
  it('names the rule, says when to come again, and has the same fields', () => {
    const gateway = new Gateway({ rules: [critical] });
    gateway.request();
    gateway.request();
    gateway.clock.advance(18_500);
    const { exchange, refusal } = gateway.request();
    expect(refusal).toMatchObject({
      code: 'rate_limited',
      status: 429,
      detail: 'The limit "critical", 2 in 1m, is used up. Try again in 42 s.',
      headers: { 'Retry-After': '42' },
    });
    expect(fieldsOf(exchange)).toMatchObject({ RateLimit: '"critical";r=0;t=42', 'X-RateLimit-Reset': '42' });
    expect(exchange.rateLimited).toBe(true);
  });

  it('says so when no waiting helps', () => {
    const rule = limitRule({ limit: 5, cost: { kind: 'header', name: 'x-cost' } });
    const { refusal } = new Gateway({ rules: [rule] }).request({ headers: { 'x-cost': '6' } });
    expect(refusal?.detail).toBe('This request costs more than the limit "test", 5 in 1m, ever admits.');
    expect(refusal?.headers).toBeUndefined();
  });

  it('is never repeated to a client that obeys Retry-After, and Retry-After is never before what RateLimit promises', () => {
    const rule = fc.record({
      algorithm: fc.constantFrom('token-bucket' as const, 'sliding-window' as const, 'fixed-window' as const),
      limit: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant(1001)),
      window: fc.integer({ min: 100, max: 90_000 }),
      burst: fc.integer({ min: 1, max: 8 }),
      period: fc.constantFrom(null, null, null, 'day' as const, 'month' as const),
    });
    const request = fc.record({ pause: fc.nat({ max: 1500 }), cost: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.array(request, { minLength: 1, maxLength: 40 }),
        (declared, requests) => {
          const cost = { kind: 'header', name: 'x-cost' } as const;
          const rules = declared.map((each, index): RateLimitRule => {
            const rule = { ...each, cost, name: `rule-${index}` };
            if (each.period === null) return limitRule(rule);
            const days = each.period === 'day' ? 1 : 31;
            return limitRule({ ...rule, algorithm: 'fixed-window', window: days * 86_400_000 });
          });
          const gateway = new Gateway({ rules });
          for (const { pause, cost } of requests) {
            gateway.clock.advance(pause);
            const headers = { 'x-cost': String(cost) };
            const { refusal, exchange } = gateway.request({ headers });
            const after = refusal?.headers?.['Retry-After'];
            if (after === undefined) continue;
            const [, reset] = /;t=(\d+)/.exec(fieldsOf(exchange)['RateLimit'] ?? '') ?? [];
            expect(Number(after)).toBeGreaterThanOrEqual(Number(reset ?? 0));
            gateway.clock.advance(Number(after) * 1000);
            expect(gateway.request({ headers }).refusal).toBeUndefined();
          }
        },
      ),
    );
  });
});

describe('a cost that the answer tells', () => {
  it('is charged when the answer is there, and can lead into debt', () => {
    const rule = limitRule({ limit: 10, cost: { kind: 'response-header', name: 'x-used' } });
    const gateway = new Gateway({ rules: [rule] });
    const { exchange } = gateway.request();
    expect(fieldsOf(exchange)['X-RateLimit-Remaining']).toBe('10');
    exchange.onResponseHead?.(['X-Used', '19']);
    expect(gateway.request().refusal?.headers).toEqual({ 'Retry-After': '60' });
    gateway.clock.advance(60_000);
    expect(gateway.request().refusal).toBeUndefined();
  });

  it('asks no one to look at answers when no rule wants it, and the client is told nothing', () => {
    expect(new Gateway({ rules: [critical], headers: [] }).request().exchange.onResponseHead).toBeNull();
  });
});

describe('the limit fields of an upstream', () => {
  const theirs = (): string[] => [
    ...['ratelimit', 'a', 'X-RateLimit-Limit', '5', 'X-Other', 'b', 'RateLimit-Reset', '1', 'X-RateLimited', 'c'],
  ];

  it('go where ours stand, those of old drafts too, and nothing else does', () => {
    const fields = theirs();
    new Gateway({ rules: [critical] }).request().exchange.onResponseHead?.(fields);
    expect(fields).toEqual(['X-Other', 'b', 'X-RateLimited', 'c']);
  });

  it('go after they were read for the cost', () => {
    const cost = { kind: 'response-header', name: 'x-ratelimit-cost' } as const;
    const gateway = new Gateway({ rules: [limitRule({ cost, limit: 10 })] });
    const fields = ['X-RateLimit-Cost', '7'];
    gateway.request().exchange.onResponseHead?.(fields);
    expect(fields).toEqual([]);
    expect(gateway.request().exchange.limits[0]?.remaining).toBe(3);
  });
});

describe('wrong credentials from one address', () => {
  it('are waited for by who may be guessing among them, and by nobody else', async () => {
    const gateway = new Gateway({});
    const failed = new FailedCredentials(() => gateway.memory, gateway.memory, gateway.clock);
    const exchange = exchangeOf({ clientIp: '192.0.2.1' });
    let end: () => void = () => undefined;
    const look = failed.looking(exchange, new Promise<void>((resolve) => (end = resolve)));
    const order: string[] = [];
    const waiting = failed.whenLookedAt(exchange).then(() => order.push('after it'));
    await failed.whenLookedAt(exchangeOf({ clientIp: '192.0.2.2' }));
    order.push('another address');
    void look.then(() => order.push('looked at'));
    end();
    await waiting;
    expect(order).toEqual(['another address', 'looked at', 'after it']);
  });

  it('beyond the number are told as such, though they came together, and a good one with them', async () => {
    const gateway = new Gateway({});
    const failed = new FailedCredentials(() => gateway.memory, gateway.memory, gateway.clock);
    const exchange = exchangeOf({ clientIp: '192.0.2.1' });
    const told = Promise.all(Array.from({ length: 30 }, async () => (await failed.count(exchange))?.code ?? 'wrong'));
    const good = failed.whenCounted(exchange)?.then(() => failed.refusal(exchange)?.code);
    expect(failed.whenCounted(exchangeOf({ clientIp: '192.0.2.2' }))).toBeNull();
    expect(await told).toEqual([...Array<string>(20).fill('wrong'), ...Array<string>(10).fill('rate_limited')]);
    expect(await good).toBe('rate_limited');
    expect(failed.whenCounted(exchange)).toBeNull();
  });

  it('after 20 in a minute shut out further ones until the first is a minute old', async () => {
    const gateway = new Gateway({});
    const failed = new FailedCredentials(() => gateway.memory, gateway.memory, gateway.clock);
    const refused = (clientIp: string): Refusal | null => failed.refusal(exchangeOf({ clientIp }));
    for (let index = 0; index < 20; index++) {
      expect(refused('192.0.2.1')).toBeNull();
      await failed.count(exchangeOf({ clientIp: '192.0.2.1' }));
      gateway.clock.advance(100);
    }
    expect(refused('192.0.2.1')).toMatchObject({ code: 'rate_limited', headers: { 'Retry-After': '58' } });
    expect(refused('192.0.2.2')).toBeNull();
    gateway.clock.advance(58_000);
    expect(refused('192.0.2.1')).toBeNull();
    await failed.count(exchangeOf({ clientIp: '192.0.2.1' }));
    expect(refused('192.0.2.1')).toBeDefined();
  });
});
