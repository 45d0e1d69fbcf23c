import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Steps } from './steps.js';

describe('the steps of an exchange', () => {
  it('end where the next begins', () => {
    const steps = new Steps(1000);
    steps.begin('authentication', 1000.5);
    steps.begin('upstream', 1002);
    expect(steps.told(1012.25)).toBe(
      'route;dur=0.500, authentication;dur=1.500, upstream;dur=10.250, total;dur=12.250',
    );
  });

  it('add up: a step that comes again is told once', () => {
    const names = fc.constantFrom('connect', 'upstream', 'limits');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.nat(5000))), fc.nat(5000), (begun, last) => {
        const steps = new Steps(7);
        let now = 7;
        for (const [name, ms] of begun) steps.begin(name, (now += ms));
        const told = steps.told(now + last).split(', ');
        const took = told.map((each) => Number(each.split(';dur=')[1]));
        const total = took.pop();
        expect(total).toBe(now + last - 7);
        expect(took.reduce((sum, ms) => sum + ms, 0)).toBe(total);
        expect(told).toHaveLength(new Set(['route', 'total', ...begun.map(([name]) => name)]).size);
      }),
    );
  });
});
