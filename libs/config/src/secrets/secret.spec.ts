import { format, inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Secret } from './secret.js';

describe('a secret', () => {
  const secret = new Secret('hunter2');

  it('is only told when it is asked for', () => {
    expect(secret.reveal()).toBe('hunter2');
  });

  it('does not show in JSON, templates, concatenation, inspection or format', () => {
    const shown = [
      JSON.stringify({ secret }),
      String(secret),
      inspect({ deep: { secret } }, { depth: 9, showHidden: true }),
      format('%s %o %j', secret, secret, secret),
      JSON.stringify(Object.entries(secret)),
      JSON.stringify(Object.assign({}, secret)),
    ];
    for (const text of shown) expect(text).not.toContain('hunter2');
    expect(JSON.stringify({ secret })).toBe('{"secret":"(masked)"}');
  });

  it('may show a part that is not secret', () => {
    expect(new Secret('redis://:pw@host', 'redis://:(masked)@host').toString()).toBe('redis://:(masked)@host');
  });
});
