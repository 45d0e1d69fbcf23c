import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { plainUpstream, Stage, type UpstreamName } from './stage.js';

const AT_ONCE = 32;

/** Weights of v1, v2 and v3, and of how many requests each gets its share, to within 2% of them all. */
type WeightCase = readonly [string, Readonly<Partial<Record<UpstreamName, number>>>, number];

const SHARES: readonly WeightCase[] = [
  ['70 to 30 to 0', { v1: 70, v2: 30, v3: 0 }, 10_000],
  ['equal ones', { v1: 1, v2: 1, v3: 1 }, 400],
  ['one of a hundred', { v1: 99, v2: 1 }, 400],
  ['90 to 10', { v1: 9, v2: 1 }, 400],
  ['large ones', { v1: 300_000, v2: 500_000, v3: 200_000 }, 400],
  ['none beside some', { v1: 0, v2: 1 }, 100],
  ['a single one', { v3: 5 }, 100],
];

const TARGETS: readonly WeightCase[] = [
  ['2 to 1', { v1: 2, v2: 1 }, 400],
  ['5 to 3 to 2', { v1: 5, v2: 3, v3: 2 }, 400],
  ['none beside some', { v1: 1, v2: 0 }, 100],
];

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open((at) => ({
    upstreams: TARGETS.map(([, weights], row) =>
      plainUpstream(
        `targets-${row}`,
        ...Object.entries(weights).map(([name, weight]) => ({ url: at[name as UpstreamName], weight })),
      ),
    ),
    routes: [
      ...SHARES.map(([, weights], row) => ({
        path: `/shares/${row}`,
        upstream: Object.entries(weights).map(([upstream, weight]) => ({ upstream, weight })),
      })),
      ...TARGETS.map((_, row) => ({ path: `/targets/${row}`, upstream: `targets-${row}` })),
    ],
  }));
}, 60_000);

afterAll(async () => {
  await stage.close();
});

beforeEach(() => {
  stage.forget();
});

/** Over connections that are kept, each asking again as soon as it has its answer; an answer to HEAD is a head alone. */
async function askOften(path: string, times: number): Promise<void> {
  let left = times;
  const loop = async (): Promise<void> => {
    const socket = connect(stage.gateway.port, '127.0.0.1').setEncoding('latin1');
    while (left-- > 0) {
      socket.write(`HEAD ${path} HTTP/1.1\r\nHost: weights.example\r\n\r\n`);
      let head = '';
      while (!head.endsWith('\r\n\r\n')) head += String(await once(socket, 'data'));
      if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`${path} was answered with ${head}`);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
}

async function expectShares(path: string, weights: WeightCase[1], times: number): Promise<void> {
  await askOften(path, times);
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  for (const name of ['v1', 'v2', 'v3'] as const) {
    const { length } = stage[name].asked;
    const weight = weights[name] ?? 0;
    expect(Math.abs(length / times - weight / total)).toBeLessThanOrEqual(0.02);
    expect(length > 0).toBe(weight > 0);
  }
}

describe('the weights of upstreams', () => {
  it.each(SHARES.map((share, row) => [...share, row] as const))('hold: %s', async (_says, weights, times, row) => {
    await expectShares(`/shares/${row}`, weights, times);
  });
});

describe('the weights of the targets of an upstream', () => {
  it.each(TARGETS.map((target, row) => [...target, row] as const))('hold: %s', async (_says, weights, times, row) => {
    await expectShares(`/targets/${row}`, weights, times);
  });
});
