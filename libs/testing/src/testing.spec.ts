import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { FakeClock, freePort, startPostgres, startRedis, startUpstream, within } from './index.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe('servers of tests', () => {
  it('a PostgreSQL is shared, and a database of it is not', async () => {
    const [one, other] = await Promise.all([startPostgres(), startPostgres()]);
    expect(one.pid).toBe(other.pid);
    const [mine, yours] = await Promise.all([one.createDatabase(), other.createDatabase()]);
    expect(mine.url).not.toBe(yours.url);
    await Promise.all([mine.drop(), yours.drop()]);
  });

  it('a Redis can hang, die and come back at the same port', async () => {
    const redis = await startRedis();
    expect(await ping(redis.port)).toBe('+PONG');
    const { pid } = redis;
    await redis.restart();
    expect(redis.pid).not.toBe(pid);
    expect(await ping(redis.port)).toBe('+PONG');
    redis.pause();
    const hanging = ping(redis.port);
    redis.resume();
    expect(await hanging).toBe('+PONG');
    await redis.stop();
    await expect(ping(redis.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('an upstream remembers what it was asked, and can hang, break off and go away', async () => {
    const upstream = await startUpstream();
    const response = await fetch(`${upstream.url}/a?b=c`, { method: 'POST', body: 'hello', headers: { 'X-One': '1' } });
    expect(await response.json()).toEqual({ method: 'POST', url: '/a?b=c' });
    expect(upstream.requests).toHaveLength(1);
    const [request] = upstream.requests;
    expect(request).toMatchObject({ method: 'POST', url: '/a?b=c' });
    expect(request?.body.toString()).toBe('hello');
    expect(request?.headers['x-one']).toBe('1');
    upstream.reset();
    await expect(fetch(upstream.url)).rejects.toThrow('fetch failed');
    upstream.hang();
    const hanging = expect(fetch(upstream.url)).rejects.toThrow('fetch failed');
    while (upstream.requests.length < 3) await new Promise((resolve) => setImmediate(resolve));
    const { port } = upstream;
    await upstream.kill();
    await hanging;
    upstream.answer();
    await upstream.listen(port);
    expect((await fetch(upstream.url)).status).toBe(200);
    await upstream.stop();
  });

  it('end when the process of the tests is killed', async () => {
    const program = `
      import { startRedis, startPostgres } from '#testing';
      const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
      console.log(JSON.stringify({ port: redis.port, folder: new URL(postgres.url).searchParams.get('host') }));
      setInterval(() => {}, 1e6);`;
    const tests = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: tests.stdout }), 'line')) as [string];
    const { port, folder } = JSON.parse(line) as { port: number; folder: string };
    expect(await ping(port)).toBe('+PONG');
    expect(existsSync(folder)).toBe(true);
    tests.kill('SIGKILL');
    while (existsSync(folder) || (await ping(port).catch(() => '')) !== '') {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});

describe('the fake clock', () => {
  it('moves only when it is moved', () => {
    const clock = new FakeClock(1_000);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
    clock.advance(250);
    expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250]);
  });
});

describe('a free port', () => {
  it('is never one that somebody gets who wants any, nor the same twice', async () => {
    const ports = await Promise.all(Array.from({ length: 100 }, async () => await freePort()));
    expect(new Set(ports).size).toBe(100);
    // 32768 is where they begin on Linux, 49152 elsewhere.
    expect(Math.max(...ports)).toBeLessThan(32_768);
  });

  it('is one that nobody listens on', async () => {
    await expect(ping(await freePort())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('within', () => {
  it('looks until it holds, or the time is over', async () => {
    let looks = 0;
    expect(await within(60_000, () => Promise.resolve(++looks === 3))).toBe(true);
    expect(looks).toBe(3);
    const began = performance.now();
    const never = async (): Promise<boolean> => await new Promise((resolve) => setTimeout(resolve, 5, false));
    expect(await within(50, never)).toBe(false);
    expect(performance.now() - began).toBeGreaterThanOrEqual(49);
  });

  it('does not count the time that this process stood still', async () => {
    let looks = 0;
    const heldUp = (): Promise<boolean> => {
      const end = performance.now() + 400;
      while (performance.now() < end);
      return Promise.resolve(++looks === 4);
    };
    expect(await within(1000, heldUp)).toBe(true);
  });
});

async function ping(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('PING\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().trim();
}
