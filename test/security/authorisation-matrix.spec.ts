import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedGateway, spawnGateway } from '#testing';

const ROLES = ['viewer', 'operator', 'admin'] as const;
type Role = (typeof ROLES)[number];

interface Row {
  readonly method: string;
  readonly path: string;
  readonly needs: string;
  readonly may: Readonly<Record<Role, boolean>>;
}

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly needs: string | null;
}

const ROW = /^\| `([A-Z]+) (\/\S*)` \| `?([^|`]+?)`? \| (yes|no) \| (yes|no) \| (yes|no) \|$/gm;

const TABLE: readonly Row[] = [...readFileSync('docs/security.md', 'utf8').matchAll(ROW)].map(
  ([, method = '', path = '', needs = '', ...may]) => ({
    method,
    path,
    needs,
    may: { viewer: may[0] === 'yes', operator: may[1] === 'yes', admin: may[2] === 'yes' },
  }),
);

/** Each test of many operations reads better as one list of what differs. */
function differences(outcomes: readonly (string | null)[]): string[] {
  return outcomes.filter((outcome) => outcome !== null);
}

function keyOf(role: Role): string {
  return `key-of-the-${role}-of-this-test`;
}

describe('the admin API', () => {
  let gateway: SpawnedGateway;
  let operations: readonly Operation[];

  const ask = async ({ method, path }: Pick<Row, 'method' | 'path'>, key?: string): Promise<Response> =>
    await fetch(gateway.url + path.replace(/[:*][^/]+/g, 'nothing-of-this-name'), {
      method,
      headers: key === undefined ? {} : { 'x-api-key': key },
      redirect: 'manual',
    });

  beforeAll(async () => {
    gateway = await spawnGateway({
      config: {
        gateway: { routes: [{ name: 'demo', path: '/demo', upstream: 'builtin:demo' }] },
        auth: {
          consumers: ROLES.map((role) => ({
            name: `the-${role}`,
            roles: [role],
            apiKeys: [{ hash: `sha256:${createHash('sha256').update(keyOf(role)).digest('hex')}` }],
          })),
        },
      },
    });
    const answer = await ask({ method: 'GET', path: '/_aegis/operations' }, keyOf('viewer'));
    operations = ((await answer.json()) as { items: Operation[] }).items;
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
  });

  it('has no operation that does not say what it needs', () => {
    expect(operations.filter(({ needs }) => needs === null)).toEqual([]);
  });

  it('is what docs/security.md says, operation by operation', () => {
    const shown = ({ method, path, needs }: Operation): string => `${method} ${path} ${needs ?? ''}`;
    expect(TABLE.map(shown).sort()).toEqual(operations.map(shown).sort());
  });

  it('refuses everybody without a credential, but where none can be had yet', async () => {
    const outcomes = await Promise.all(
      TABLE.map(async (row) => {
        const { status, headers } = await ask(row);
        const refused = status === 401 && headers.get('www-authenticate') !== null;
        return refused === (row.needs !== 'nothing') ? null : `${row.method} ${row.path}: ${status}`;
      }),
    );
    expect(differences(outcomes)).toEqual([]);
  });

  it.each(ROLES)('lets a %s do what docs/security.md says, and nothing else', async (role) => {
    const outcomes: (string | null)[] = [];
    for (const row of TABLE.filter(({ needs }) => needs !== 'nothing')) {
      const answer = await ask(row, keyOf(role));
      const body = await answer.text();
      if (row.may[role]) {
        const fine = answer.status < 500 && answer.status !== 401 && answer.status !== 403;
        outcomes.push(fine ? null : `${row.method} ${row.path}: ${answer.status} ${body}`);
      } else {
        const said = answer.status === 403 && body.includes(`Missing permission: \\"${row.needs}\\"`);
        outcomes.push(said ? null : `${row.method} ${row.path}: ${answer.status} ${body}, not 403`);
      }
    }
    expect(differences(outcomes)).toEqual([]);
  });
});
