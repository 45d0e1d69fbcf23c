import { describe, expect, it } from '@jest/globals';
import { Strategy } from 'passport-jwt';
import { type Principal, Refusal } from '#kernel';
import { exchangeOf } from '#testing';
import { JwtMethod } from '../methods/jwt.js';
import { type Outcome, Rejected } from '../methods/method.js';
import { JwtStrategy } from './jwt-strategy.js';
import { type JwtVerifier } from './jwt-verifier.js';

const alice = { consumer: 'alice' } as Principal;
const exchange = exchangeOf({ headers: { authorization: 'Bearer a.b.c' } });

function strategy(verify: (token: string) => Outcome | Promise<Outcome>): JwtStrategy {
  return new JwtStrategy({ verify } as JwtVerifier);
}

describe('the strategy for JWTs', () => {
  it('is passport-jwt’s, and shows the verifier the token of the request', async () => {
    const seen: string[] = [];
    const made = strategy((token) => {
      seen.push(token);
      return alice;
    });
    expect(made).toBeInstanceOf(Strategy);
    expect(made.name).toBe('jwt');
    expect(await made.outcomeFor(exchange)).toBe(alice);
    expect(seen).toEqual(['a.b.c']);
    expect(made.outcomeFor(exchangeOf())).toBeInstanceOf(Rejected);
    expect(seen).toHaveLength(1);
  });

  it('ends at once where the outcome is known, and later where it is not', async () => {
    const refused = new Rejected('no');
    for (const outcome of [alice, refused]) {
      expect(strategy(() => outcome).outcomeFor(exchange)).toBe(outcome);
      const later = strategy(() => Promise.resolve(outcome)).outcomeFor(exchange);
      expect(later).toBeInstanceOf(Promise);
      expect(await later).toBe(outcome);
    }
  });

  it('ends with the refusal where the keys cannot be asked', async () => {
    const away = new Refusal('store_unavailable', 'away');
    const asked = strategy(async () => {
      await Promise.resolve();
      throw away;
    }).outcomeFor(exchange);
    await expect(asked).rejects.toBe(away);
  });

  it('keeps requests apart that are under way together', async () => {
    const made = strategy(async (token) => {
      if (token === 'slow') await new Promise((resolve) => setImmediate(resolve));
      return { consumer: token } as Principal;
    });
    const method = new JwtMethod({ verify: (token: string) => made.outcomeFor(bearer(token)) } as JwtVerifier);
    const outcomes = await Promise.all(
      ['slow', 'quick', 'slow'].map(async (token) => await method.verify(bearer(token))),
    );
    expect(outcomes).toEqual([{ consumer: 'slow' }, { consumer: 'quick' }, { consumer: 'slow' }]);
  });
});

function bearer(token: string): ReturnType<typeof exchangeOf> {
  return exchangeOf({ headers: { authorization: `Bearer ${token}` } });
}
