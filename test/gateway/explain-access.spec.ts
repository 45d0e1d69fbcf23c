import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedGateway, spawnGateway } from '#testing';
import { aegis } from '../cli/run-cli.js';

describe('the explanation of access', () => {
  let gateway: SpawnedGateway;

  const explain = async (method: string, url: string): Promise<unknown> => {
    const query = new URLSearchParams({ method, url }).toString();
    const answer = await fetch(`${gateway.url}/_aegis/explain?${query}`, {
      headers: { 'x-api-key': gateway.adminKey },
    });
    return await answer.json();
  };

  beforeAll(async () => {
    gateway = await spawnGateway({
      config: {
        gateway: {
          routes: [
            { name: 'open', path: '/open', respond: { status: 200 } },
            {
              name: 'orders',
              path: '/orders',
              respond: { status: 200 },
              auth: { methods: ['api-key'], roles: ['buyer'], permissions: ['read:orders'], scopes: ['orders'] },
            },
            { name: 'files', path: '/files', respond: { status: 200 } },
          ],
        },
        auth: {
          rbac: {
            rules: [
              { path: '/files/private/*', methods: ['GET'], roles: ['keeper'] },
              { path: '/files/*', methods: ['GET', 'PUT'], permissions: ['read:files'] },
            ],
          },
        },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
  });

  it('names what the route needs', async () => {
    expect(await explain('GET', '/orders/1')).toMatchObject({
      route: 'orders',
      reserved: false,
      access: {
        credential: 'required',
        methods: ['api-key'],
        needs: { oneOfRoles: ['buyer'], permissions: ['read:orders'], scopes: ['orders'] },
        rules: [{ path: '/orders/1', rule: null, reason: 'no rule covers this path' }],
      },
    });
    expect(await explain('GET', '/open')).toMatchObject({ access: { credential: 'none' } });
  });

  it('names the rule that decides, for each way in which the path can be read', async () => {
    expect(await explain('GET', '/files/private/a')).toMatchObject({
      access: { credential: 'required', rules: [{ rule: { number: 1, path: '/files/private/*', roles: ['keeper'] } }] },
    });
    expect(await explain('GET', '/files/private%2Fa')).toMatchObject({
      access: {
        rules: [
          { path: '/files/private%2Fa', rule: { number: 2 } },
          { path: '/files/private/a', rule: { number: 1 } },
        ],
      },
    });
  });

  it('says that nobody may where rules cover the path and none names the method', async () => {
    expect(await explain('DELETE', '/files/a')).toMatchObject({
      access: {
        credential: 'required',
        rules: [
          { rule: null, reason: 'rules cover this path and none of them names DELETE: nobody may, whoever it is' },
        ],
      },
    });
  });

  it('knows the paths of Aegis itself, and what they need', async () => {
    expect(await explain('POST', '/_aegis/reload')).toMatchObject({
      reserved: true,
      outcome: 'reserved',
      route: null,
      access: { operation: 'POST /_aegis/reload', needs: 'write:config' },
    });
    expect(await explain('GET', '/health/live')).toMatchObject({ reserved: true, access: null });
  });

  it('is told to people too', async () => {
    const ask = async (request: string): Promise<string> => {
      const env = { AEGIS_URL: gateway.url, AEGIS_ADMIN_KEY: gateway.adminKey };
      return (await aegis(['routes', '--live', '--match', request], { env })).stdout;
    };
    expect(await ask('GET /files/private/a')).toMatch(
      /→ route files\n.*\n {2}credential: required \(api-key\)\n {2}rule 1 \(\/files\/private\/\*\) is the first .*; one of the roles keeper/,
    );
    expect(await ask('POST /_aegis/reload')).toContain('POST /_aegis/reload needs write:config');
  });
});
