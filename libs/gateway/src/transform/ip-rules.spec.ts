import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileIpRules } from './ip-rules.js';

describe('address rules', () => {
  it('are none when both lists are empty', () => {
    expect(compileIpRules({ allow: [], deny: [] })).toBeNull();
  });

  it('let in all but those denied, or only those allowed; deny wins', () => {
    const deny = compileIpRules({ allow: [], deny: ['203.0.113.0/24', '2001:db8:bad::/48'] })!;
    expect(['203.0.113.9', '2001:db8:bad::1'].map(deny)).toEqual([false, false]);
    expect(['203.0.114.9', '2001:db8::1'].map(deny)).toEqual([true, true]);
    const both = compileIpRules({ allow: ['10.0.0.0/8', '::1'], deny: ['10.9.0.0/16'] })!;
    expect(['10.1.2.3', '::1'].map(both)).toEqual([true, true]);
    expect(['10.9.2.3', '192.0.2.1', '::2'].map(both)).toEqual([false, false, false]);
  });

  it('take an IPv4 address in IPv6 clothes for what it is', () => {
    const rule = compileIpRules({ allow: [], deny: ['10.0.0.0/8'] })!;
    expect(['::ffff:10.0.0.1', '::FFFF:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:ffff:10.0.0.1'].map(rule)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('let in nothing that is not an address where addresses are listed', () => {
    const rule = compileIpRules({ allow: ['0.0.0.0/0', '::/0'], deny: [] })!;
    expect(['', 'unknown', '10.0.0.1:80', 'constructor'].map(rule)).toEqual([false, false, false, false]);
  });

  it('decide the same the second time, and after more addresses than are remembered', () => {
    const rule = compileIpRules({ allow: [], deny: ['10.0.0.0/9'] })!;
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), (a, b) => {
        const address = `10.${a}.${b}.1`;
        const admitted = a >= 128;
        expect([rule(address), rule(address)]).toEqual([admitted, admitted]);
      }),
      { numRuns: 6000 },
    );
  });
});
