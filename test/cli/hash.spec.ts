import { describe, expect, it } from '@jest/globals';
import { aegis } from './run-cli.js';

describe('aegis hash', () => {
  it('prints the YAML of a hash that a consumer takes as it is, and not the password', async () => {
    const { code, stdout, stderr } = await aegis(['hash'], { input: 'correct horse\n' });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\{ hash: "\$argon2id\$v=19\$m=19456,t=2,p=1\$[^"]+" \}\n$/);
    expect(stdout).not.toContain('horse');
    const env = { AEGIS__AUTH__CONSUMERS: `[{ name: app, basic: ${stdout.trim()} }]` };
    expect((await aegis(['check'], { env })).stdout).toContain('is valid');
  });

  it('refuses an empty password', async () => {
    const { code, stderr } = await aegis(['hash'], { input: '' });
    expect(code).toBe(2);
    expect(stderr).toContain('no password');
  });
});
