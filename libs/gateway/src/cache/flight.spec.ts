import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Apart } from './apart.js';
import { Flight, type Follower } from './flight.js';
import { type StoredResponse } from './stored-response.js';
import { termsOf } from './terms.js';

const stored: StoredResponse = {
  method: 'GET',
  status: 200,
  reason: '',
  fields: [],
  body: Buffer.alloc(0),
  receivedAt: 0,
  terms: termsOf({ status: 200, fields: [], requestedAt: 0, receivedAt: 0 }, { ttl: 1, staleWhileRevalidate: 0 }),
};

const PLAIN = { names: ['x'], variant: 'g' };

let over: jest.Mock;
let flight: Flight;
let said: string[];

beforeEach(() => {
  jest.useFakeTimers();
  over = jest.fn();
  flight = new Flight(0, over);
  said = [];
});

afterEach(() => {
  jest.useRealTimers();
});

function follower(name: string, { fits = true, takes = true } = {}): Follower {
  const say = (what: string): void => void said.push(`${name} ${what}`);
  const each: Follower = {
    fits: () => fits,
    answer: () => {
      if (takes) say('is answered');
      return takes;
    },
    alone: () => say('goes alone'),
    again: () => say('looks again'),
    lead: () => say('leads'),
  };
  flight.join(each);
  return each;
}

describe('those who wait for the answer to another', () => {
  it('are answered with it, or go on alone where it is not for them', () => {
    follower('a');
    follower('b', { takes: false });
    follower('c', { fits: false });
    flight.landed(stored, PLAIN);
    expect(said).toEqual(['a is answered', 'b goes alone', 'c goes alone']);
    expect(over).toHaveBeenCalled();
  });

  it('look again when answers turn out to differ by something', () => {
    follower('a');
    follower('b', { fits: false });
    flight.proved(PLAIN);
    expect([said, flight.waiting]).toEqual([['b looks again'], 1]);
    follower('c', { fits: false });
    follower('d');
    expect([said, flight.waiting]).toEqual([['b looks again', 'c looks again'], 2]);
  });

  it('wait for a body no longer than five seconds', () => {
    follower('a');
    jest.advanceTimersByTime(60_000);
    expect(said).toEqual([]);
    flight.proved(PLAIN);
    jest.advanceTimersByTime(4_999);
    expect(said).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(said).toEqual(['a goes alone']);
    flight.landed(stored, PLAIN);
    expect(said).toEqual(['a goes alone']);
  });

  it('take over from one another, but not for ever', () => {
    for (const name of ['a', 'b', 'c', 'd']) follower(name);
    flight.leaderLeft();
    flight.leaderLeft();
    expect(said).toEqual(['a leads', 'b leads']);
    flight.leaderLeft();
    expect(said.slice(2)).toEqual(['c goes alone', 'd goes alone']);
  });

  it('hear nothing more once they have left', () => {
    const gone = follower('a');
    follower('b');
    flight.leave(gone);
    flight.dissolve();
    expect(said).toEqual(['b goes alone']);
  });
});

describe('what nobody waits for', () => {
  it('is remembered for ten seconds, and not without a bound', () => {
    const apart = new Apart();
    apart.note('a', 0);
    expect([apart.has('a', 9_999), apart.has('a', 10_000), apart.has('b', 0)]).toEqual([true, false, false]);
    for (let i = 0; i < 5_000; i++) apart.note(`n${i}`, 0);
    expect([apart.has('n0', 1), apart.has('n4999', 1)]).toEqual([false, true]);
  });
});
