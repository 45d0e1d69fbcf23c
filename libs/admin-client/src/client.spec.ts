import { describe, expect, it } from '@jest/globals';
import { type AdminClient, adminClient } from './client.js';
import { AdminProblem, NotTheAdminApi } from './refused.js';

interface Sent {
  readonly path: string;
  readonly method: string;
  readonly type: string | null;
  readonly body: string | null;
}

/** A client, and what it has sent last. */
function clientOf(answer: Response): { readonly client: AdminClient; readonly sent: () => Sent | undefined } {
  let sent: Sent | undefined;
  const client = adminClient(async (path, { method, headers, body }) => {
    sent = { path, method, type: headers.get('content-type'), body };
    return await Promise.resolve(answer);
  });
  return { client, sent: () => sent };
}

const OK = (): Response => Response.json({ name: 'a/b', source: 'api' });

describe('the client of the admin API', () => {
  it('puts names into the path, and values into the query, whatever is in them', async () => {
    const { client, sent } = clientOf(OK());
    await client('DELETE /api/admin/limits/keys/{key}', { path: { key: 'ip=::1/x y' }, query: { rule: 'a&b' } });
    expect(sent()).toEqual({
      path: '/api/admin/limits/keys/ip%3D%3A%3A1%2Fx%20y?rule=a%26b',
      method: 'DELETE',
      type: null,
      body: null,
    });
  });

  it('says a list again and again, and leaves out what is undefined', async () => {
    const { client, sent } = clientOf(OK());
    await client('GET /_aegis/explain', { query: { url: '/x', method: undefined, header: ['a: 1', 'b: 2'] } });
    expect(sent()?.path).toBe('/_aegis/explain?url=%2Fx&header=a%3A+1&header=b%3A+2');
  });

  it('sends maps as JSON, and a configuration as it was written', async () => {
    const { client, sent } = clientOf(OK());
    await client('PUT /api/admin/routes/{name}', { path: { name: 'x' }, body: { path: '/x', upstream: 'u' } });
    expect(sent()).toMatchObject({ type: 'application/json', body: '{"path":"/x","upstream":"u"}' });
    const other = clientOf(OK());
    await other.client('PUT /api/admin/config', { body: 'gateway: {}' });
    expect(other.sent()).toMatchObject({ type: 'application/yaml', body: 'gateway: {}' });
  });

  it('answers with what came, and with nothing where nothing comes', async () => {
    const item = await clientOf(OK()).client('GET /api/admin/routes/{name}', { path: { name: 'a/b' } });
    expect(item.name).toBe('a/b');
    const gone = clientOf(new Response(null, { status: 204 }));
    const deleted = gone.client('DELETE /api/admin/routes/{name}', { path: { name: 'x' } });
    await expect(deleted).resolves.toBeUndefined();
    const metrics = new Response('a 1\n', { headers: { 'content-type': 'text/plain; version=0.0.4' } });
    expect(await clientOf(metrics).client('GET /metrics')).toBe('a 1\n');
  });

  it('throws what was refused, and tells it from answers of something else', async () => {
    const problem = { code: 'not_found', detail: 'There is no route "x".', status: 404 };
    const asked = async (answer: Response): Promise<unknown> =>
      await clientOf(answer)
        .client('GET /_aegis/status')
        .catch((error: unknown) => error);
    expect(await asked(Response.json(problem, { status: 404 }))).toMatchObject({ problem, message: problem.detail });
    expect(await asked(Response.json(problem, { status: 404 }))).toBeInstanceOf(AdminProblem);
    for (const [body, status] of [
      ['<html></html>', 200],
      ['Bad gateway', 502],
      ['null', 200],
      ['{}', 500],
    ] as const) {
      expect(await asked(new Response(body, { status }))).toBeInstanceOf(NotTheAdminApi);
    }
  });

  it('takes no path, name or body that the document does not have', () => {
    const { client } = clientOf(OK());
    const never = async (): Promise<void> => {
      // @ts-expect-error: there is no such operation
      await client('GET /api/admin/rotes');
      // @ts-expect-error: the name is missing
      await client('GET /api/admin/routes/{name}');
      // @ts-expect-error: an unknown field
      await client('PUT /api/admin/routes/{name}', { path: { name: 'x' }, body: { path: '/x', timout: '5s' } });
      // @ts-expect-error: an unknown filter
      await client('GET /api/admin/routes', { query: { nmae: 'x' } });
      // @ts-expect-error: the body is missing
      await client('POST /api/admin/consumers');
    };
    expect(never).toBeInstanceOf(Function);
  });
});
