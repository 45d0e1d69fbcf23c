import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedGateway, spawnGateway } from '#testing';
import { aegis } from './run-cli.js';

describe('aegis top', () => {
  let gateway: SpawnedGateway;

  beforeAll(async () => {
    gateway = await spawnGateway({
      config: { gateway: { routes: [{ name: 'demo', path: '/demo', upstream: 'builtin:demo' }] } },
    });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
  });

  it('tells once what goes on where there is no terminal, without its codes', async () => {
    const { code, stdout } = await aegis(['top', '--interval', '0.1', '--url', gateway.url, '--key', gateway.adminKey]);
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/requests +\d+\.\d a second/);
    expect(stdout).toMatch(/UPSTREAM +TARGET +STATE/);
    expect(stdout).toMatch(/healthy +closed/);
  });

  it('tells programs a line at a time', async () => {
    const asked = aegis(['top', '--interval', '0.5', '--count', '2', '--json'], {
      env: { AEGIS_URL: gateway.url, AEGIS_ADMIN_KEY: gateway.adminKey },
    });
    const { code, stdout } = await asked;
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect([code, lines.length]).toEqual([0, 2]);
    expect(lines[0]).toMatchObject({ health: 'healthy', requestsPerSecond: expect.anything() as unknown });
  });

  it('says what is wrong with how it was called, and when nobody answers', async () => {
    const wrong = await aegis(['top', '--interval', 'often', '--key', 'k']);
    const away = await aegis(['top', '--url', 'http://127.0.0.1:1', '--key', 'k']);
    expect([wrong.code, away.code]).toEqual([2, 3]);
    expect(wrong.stderr).toContain('seconds, from 0.1 to 3600');
  });
});
