import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT } from 'jose';
import { type RecordingUpstream, type SpawnedGateway, spawnGateway, startUpstream } from '#testing';
import { aegis, type CliRun } from './run-cli.js';

const KEY = 'key-of-the-mobile-app';
const SECRET = 'a shared secret of at least 32 bytes, for HS256';

describe('aegis token', () => {
  let gateway: SpawnedGateway;
  let upstream: RecordingUpstream;

  const run = async (args: readonly string[], input = '', env: Record<string, string> = {}): Promise<CliRun> =>
    await aegis(['token', ...args], { env: { AEGIS_URL: gateway.url, ...env }, input });
  const statusWith = async (bearer: string): Promise<number> =>
    (await fetch(`${gateway.url}/closed`, { headers: { authorization: `Bearer ${bearer}` } })).status;
  const jwt = async (claims: object, exp = '1h'): Promise<string> =>
    await new SignJWT({ sub: 'alice', roles: ['user'], ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime(exp)
      .sign(Buffer.from(SECRET));

  beforeAll(async () => {
    upstream = await startUpstream();
    gateway = await spawnGateway({
      config: {
        gateway: { routes: [{ name: 'closed', path: '/closed', upstream: upstream.url, auth: 'required' }] },
        auth: {
          jwt: { secrets: [SECRET] },
          identity: {},
          consumers: [
            {
              name: 'mobile-app',
              roles: ['user'],
              apiKeys: [{ hash: `sha256:${createHash('sha256').update(KEY).digest('hex')}` }],
            },
          ],
        },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  it('issues an access token for a key, alone on standard output, and it works', async () => {
    const piped = await run(['issue', '--consumer', 'mobile-app'], `${KEY}\n`);
    const named = await run(['issue', '--json'], '', { AEGIS_API_KEY: KEY });
    const pair = JSON.parse(named.stdout) as { accessToken: string; refreshToken: string };

    expect([piped.code, named.code]).toEqual([0, 0]);
    expect(piped.stdout).toMatch(/^aegis_at_[\w-]+\n$/);
    expect(piped.stderr).toContain('Good for 15 min');
    expect(pair).toMatchObject({ expiresIn: 900, scopes: [], refreshToken: expect.stringMatching(/^aegis_rt_/) });
    expect(await statusWith(piped.stdout.trim())).toBe(200);

    const next = await run(['refresh'], pair.refreshToken);
    const again = await run(['refresh'], pair.refreshToken);
    expect([next.code, again.code]).toEqual([0, 1]);
    expect(next.stdout).toMatch(/^aegis_at_/);
    expect(again.stderr).toContain('was used before');
  });

  it('says why there is none', async () => {
    const [wrong, other, nothing, noRefresh, nobody] = await Promise.all([
      run(['issue'], 'a wrong key'),
      run(['issue', '--consumer', 'another'], KEY),
      run(['issue']),
      run(['refresh'], KEY),
      run(['issue', '--url', 'http://127.0.0.1:1'], KEY),
    ]);

    expect([wrong, other, nothing, noRefresh, nobody].map(({ code }) => code)).toEqual([1, 1, 2, 2, 3]);
    expect(wrong.stderr).toContain('is not one of its API keys');
    expect(other.stderr).toContain('is not one of this client');
    expect(nothing.stderr).toContain('AEGIS_API_KEY');
    expect(noRefresh.stderr).toContain('aegis_rt_');
    for (const { stdout, stderr } of [wrong, other]) expect(stdout + stderr).not.toContain(KEY);
  });

  it('revokes a token, and tells what it cannot', async () => {
    const { stdout: token } = await run(['issue'], KEY);
    const revoked = await run(['revoke'], token);
    const inspected = await run(['inspect'], token);
    const foreign = await run(['revoke'], await jwt({}));

    expect([revoked.code, inspected.code, foreign.code]).toEqual([0, 1, 1]);
    expect(inspected.stdout).toContain('refuses it');
    expect(foreign.stderr).toContain('keys revoke');
    expect(await statusWith(token.trim())).toBe(401);
  });

  it('inspects tokens: what they say, and what the gateway thinks', async () => {
    const { stdout: access } = await run(['issue'], KEY);
    const good = await jwt({ name: 'red \u001b[31m' });
    const [own, words, json, expired, key, refresh] = await Promise.all([
      run(['inspect'], access),
      run(['inspect'], `Bearer ${good}`),
      run(['inspect', '--json'], '', { AEGIS_TOKEN: good }),
      run(['inspect'], await jwt({}, '1 hour ago')),
      run(['inspect'], KEY),
      run(['inspect', '--json'], 'aegis_rt_nothing'),
    ]);

    expect([own, words, json, expired, key, refresh].map(({ code }) => code)).toEqual([0, 0, 0, 1, 0, 0]);
    expect(own.stdout).toContain('takes it: consumer mobile-app, roles user');
    expect(words.stdout).toMatch(/exp +\d+ \(\d{4}-[^]*, in (1 h|59 min)/);
    expect(words.stdout).toContain('which proves nothing');
    expect(words.stdout).toContain('takes it: consumer alice, user alice, roles user');
    expect(words.stdout).not.toContain('\u001b');
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'jwt',
      header: { alg: 'HS256' },
      claims: { sub: 'alice' },
      accepted: true,
      caller: { name: 'alice' },
      signedHere: null,
    });
    expect(expired.stdout).toContain('refuses it: The token has expired');
    expect(key.stdout).toContain('takes it');
    expect(JSON.parse(refresh.stdout)).toMatchObject({ kind: 'refresh', accepted: null });
  });

  it('knows what the gateway signed for an upstream', async () => {
    await statusWith(await jwt({}));
    const identity = upstream.requests.at(-1)!.headers['x-aegis-identity'] as string;
    const words = await run(['inspect'], identity);
    const forged = await run(['inspect'], `${identity.slice(0, -10)}AAAAAAAAAA`);

    expect([words.code, forged.code]).toEqual([0, 1]);
    expect(words.stdout).toContain('is valid');
    expect(words.stdout).toContain('to tell an upstream who calls');
    expect(forged.stdout).toContain('refuses it');
  });
});
