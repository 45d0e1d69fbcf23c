import { describe, expect, it } from '@jest/globals';
import { decryptSecret } from '#config';
import { aegis } from './run-cli.js';

const KEY = 'a passphrase of some length';

describe('aegis encrypt', () => {
  it('prints the YAML of a secret that the gateway can read, and nothing else', async () => {
    const { code, stdout, stderr } = await aegis(['encrypt'], {
      env: { AEGIS_SECRET_KEY: KEY },
      input: 'correct horse\n',
    });

    const [, encrypted = ''] = /^\{ encrypted: "(aes-gcm:[^"]+)" \}\n$/.exec(stdout) ?? [];
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(decryptSecret(encrypted, KEY)).toEqual({ text: 'correct horse' });
  });

  it('keeps the lines of a secret that has several', async () => {
    const { stdout } = await aegis(['encrypt'], { env: { AEGIS_SECRET_KEY: KEY }, input: 'one\ntwo\n' });

    expect(decryptSecret(/"([^"]+)"/.exec(stdout)?.[1] ?? '', KEY)).toEqual({ text: 'one\ntwo' });
  });

  it('writes what a configuration takes as it is', async () => {
    const secret = await aegis(['encrypt'], { env: { AEGIS_SECRET_KEY: KEY }, input: 's3cret-of-the-hook' });
    const notify = `[{ type: webhook, url: "https://hooks.example.com/x", secret: ${secret.stdout.trim()} }]`;
    const env = { AEGIS__MONITORING__NOTIFY: notify };
    const [withKey, without] = await Promise.all([
      aegis(['check'], { env: { ...env, AEGIS_SECRET_KEY: KEY } }),
      aegis(['check'], { env }),
    ]);

    expect(withKey.stdout).toContain('is valid');
    expect(without.code).toBe(1);
    expect(without.stdout).toContain('AEGIS_SECRET_KEY is not set');
  });

  it('refuses an empty secret', async () => {
    const { code, stderr } = await aegis(['encrypt'], { env: { AEGIS_SECRET_KEY: KEY }, input: '\n' });

    expect(code).toBe(2);
    expect(stderr).toContain('no secret');
  });
});
