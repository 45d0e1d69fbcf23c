import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CidrSet, checkCidr, formatDuration, formatSize, isRequestId, parseDuration, parseSize, uuidv7 } from '#kernel';

describe('durations and sizes', () => {
  it('reads the units of the reference and refuses everything else', () => {
    expect(['250ms', '10s', '5m', '1h', '7d', '0s', '1.5s'].map(parseDuration)).toEqual([
      250, 10_000, 300_000, 3_600_000, 604_800_000, 0, 1500,
    ]);
    expect(['512b', '16kb', '10MB', '1gb'].map(parseSize)).toEqual([512, 16_384, 10_485_760, 1_073_741_824]);
    for (const wrong of ['', '10', 's', '-1s', '1 s', '10sec', '1e3s', '99999999999999999d']) {
      expect(parseDuration(wrong)).toBeUndefined();
      expect(parseSize(wrong)).toBeUndefined();
    }
  });

  it('writes what it can read back', () => {
    fc.assert(
      fc.property(fc.nat(), (n) => {
        expect(parseDuration(formatDuration(n))).toBe(n);
        expect(parseSize(formatSize(n))).toBe(n);
      }),
    );
  });
});

describe('ids', () => {
  it('makes version 7 UUIDs that sort by time and never repeat', () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => uuidv7(1_700_000_000_000 + i));
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids.slice(0, 100)) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(isRequestId(id)).toBe(true);
    }
  });

  it('takes no request id that could forge a log line', () => {
    expect(['a', 'A-b_c.9', 'x'.repeat(128)].every(isRequestId)).toBe(true);
    expect(['', 'x'.repeat(129), 'a b', 'a\n', 'a"b', 'ä', 'a/b'].some(isRequestId)).toBe(false);
  });
});

describe('CidrSet', () => {
  const set = new CidrSet(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']);

  it('holds IPv4 and IPv6, alone and as ranges, also IPv4 in IPv6 clothes', () => {
    for (const inside of ['10.1.2.3', '192.0.2.7', '2001:db8:1::5', '::1', '::ffff:10.9.9.9'])
      expect(set.has(inside)).toBe(true);
    for (const outside of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '::2', '', 'nonsense'])
      expect(set.has(outside)).toBe(false);
  });

  it('says what is wrong with a CIDR', () => {
    expect(checkCidr('10.0.0.0/8')).toBeUndefined();
    expect(checkCidr('::/0')).toBeUndefined();
    expect(checkCidr('10.0.0.0/33')).toBe('the prefix length must be 0–32');
    expect(checkCidr('::ffff:10.0.0.0/104')).toContain('as IPv4');
    for (const wrong of ['', '10.0.0', '10.0.0.0/8/8', 'host', '10.0.0.0/x']) expect(checkCidr(wrong)).toBeDefined();
  });
});
