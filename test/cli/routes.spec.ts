import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { scratchFolder } from '#testing';
import { aegis, type CliRun } from './run-cli.js';

const CONFIG = `
gateway:
  upstreams:
    - { name: orders, targets: [http://127.0.0.1:3001] }
  routes:
    - { name: everything, path: /, upstream: http://127.0.0.1:3000 }
    - { name: orders, path: /orders, methods: [GET, POST], upstream: orders }
    - { name: order, path: /orders/:id/items, methods: [GET], upstream: orders }
    - { name: beta, path: /orders, headers: { version: two }, methods: [GET], upstream: orders }
    - name: shop
      path: /orders
      hosts: [shop.example.com]
      methods: [GET]
      upstream: [{ upstream: orders, weight: 3 }, { upstream: http://127.0.0.1:3002, weight: 1 }]
    - { name: old, path: { exact: /old }, redirect: { path: /new } }
    - { name: closed, path: /closed, methods: [GET], respond: { status: 503 } }
`;

interface Explained {
  readonly outcome: string;
  readonly route: string | null;
  readonly params: Readonly<Record<string, string>>;
  readonly routes: readonly { readonly name: string; readonly outcome: string; readonly reason: string }[];
}

describe('aegis routes', () => {
  let file = '';
  const routes = (...args: string[]): Promise<CliRun> => aegis(['routes', '--config', file, ...args]);
  const explained = async (...args: string[]): Promise<Explained> => {
    const { stdout } = await routes('--json', '--match', ...args);
    return JSON.parse(stdout) as Explained;
  };

  beforeAll(() => {
    file = join(scratchFolder('routes'), 'aegis.config.yaml');
    writeFileSync(file, CONFIG);
  });

  it('lists all routes, the one that goes first on top, with where they lead', async () => {
    const { code, stdout } = await routes();

    expect(code).toBe(0);
    const names = stdout.split('\n').flatMap((line) => /^ {2}(\w+) /.exec(line)?.[1] ?? []);
    expect(names).toEqual(['old', 'order', 'closed', 'beta', 'orders', 'shop', 'everything'].sort(byPlaceIn(names)));
    expect(names[0]).toBe('old');
    expect(names.at(-1)).toBe('everything');
    expect(names.indexOf('order')).toBeLessThan(names.indexOf('orders'));
    expect(stdout).toContain('→ upstreams orders 75%, http://127.0.0.1:3002 25%');
    expect(stdout).toContain('→ a redirect, 301');
    expect(stdout).toContain('→ an answer of its own');
  });

  it('says which route takes a request and why each other does not', async () => {
    const { code, stdout } = await routes('--match', 'GET http://localhost:8080/orders/7/items');

    expect(code).toBe(0);
    expect(stdout).toContain('→ route order → upstream orders');
    expect(stdout).toContain(':id is 7');
    expect(stdout).toMatch(/orders +matches too, but "order" goes first/);
    expect(stdout).toMatch(/shop +the host "localhost" is not shop\.example\.com/);
    expect(stdout).toMatch(/beta +the header version is missing/);
  });

  it('takes the headers of the request', async () => {
    const [without, withHeader] = await Promise.all([
      explained('http://localhost/orders'),
      explained('http://localhost/orders', '-H', 'Version: two'),
    ]);

    expect(without.route).toBe('orders');
    expect(withHeader.route).toBe('beta');
  });

  it('takes a path for any host, and GET when no method is named', async () => {
    const answer = await explained('/orders');

    expect(answer).toMatchObject({ outcome: 'route', route: 'orders', method: 'GET' });
    expect(answer.routes.find(({ outcome }) => outcome === 'won')?.name).toBe('orders');
  });

  it('exits with 1 when no route takes the request, and says why none does', async () => {
    writeFileSync(join(file, '../narrow.yaml'), CONFIG.replace('path: /,', 'path: /api,'));
    const { code, stdout } = await aegis(['routes', '-c', join(file, '../narrow.yaml'), '-m', 'GET http://h/nothing']);

    expect(code).toBe(1);
    expect(stdout).toContain('404');
    expect(stdout).toMatch(/everything +the path \/nothing is neither \/api nor below it/);
  });

  it('exits with 1 and names the methods when only the method is wrong', async () => {
    writeFileSync(join(file, '../narrow.yaml'), CONFIG.replace('path: /,', 'path: /api,'));
    const { code, stdout } = await aegis([
      'routes',
      '-c',
      join(file, '../narrow.yaml'),
      '-m',
      'DELETE http://h/orders',
    ]);

    expect(code).toBe(1);
    expect(stdout).toContain('405');
    expect(stdout).toContain('GET, POST would be taken');
  });

  it('says that a path is reserved, and that a request would be refused', async () => {
    const [reserved, refused] = await Promise.all([
      routes('--match', 'GET http://h/_aegis/status'),
      routes('--match', 'GET http://h/../../etc/passwd'),
    ]);

    expect([reserved.code, refused.code]).toEqual([1, 1]);
    expect(reserved.stdout).toContain('reserved path');
    expect(refused.stderr).toContain('bad_request');
  });

  it('names the mistakes of a file that is not valid', async () => {
    const { code, stderr } = await aegis(['routes', '--config', 'test/cli/ten-mistakes.yaml']);

    expect(code).toBe(1);
    expect(stderr).toContain('ten-mistakes.yaml:2:3');
  });
});

/** Only what was named, in the order in which it was found: the rest of the order is the route table's to test. */
function byPlaceIn(names: readonly string[]): (a: string, b: string) => number {
  return (a, b) => names.indexOf(a) - names.indexOf(b);
}
