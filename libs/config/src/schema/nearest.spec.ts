import { describe, expect, it } from '@jest/globals';
import { nearest } from './nearest.js';

describe('the nearest known name', () => {
  const known = ['host', 'port', 'workers', 'trustedProxies', 'drain', 'drainDelay', 'securityHeaders'];

  it.each([
    ['prot', 'port'],
    ['hosts', 'host'],
    ['worker', 'workers'],
    ['trusted_proxies', 'trustedProxies'],
    ['trusted-proxys', 'trustedProxies'],
    ['DRAINDELAY', 'drainDelay'],
    ['security', 'securityHeaders'],
  ])('of %s is %s', (written, meant) => {
    expect(nearest(written, known)).toBe(meant);
  });

  it('is none when nothing is near', () => {
    expect(nearest('elephant', known)).toBeUndefined();
    expect(nearest('x'.repeat(1000), known)).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});
