import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';
import { type Answer } from './answers.js';
import { ADMIN, climbs, written } from './paths/paths.js';
import { whereItLeads } from './paths/sloppy-server.js';
import { Wire } from './wire.js';

let upstream: RecordingUpstream;
let database: TestDatabase;
let gateway: SpawnedGateway;

beforeAll(async () => {
  upstream = await startUpstream((_req, res) => void res.end());
  database = await (await startPostgres()).createDatabase();
  const closed = { status: ADMIN, body: 'no' };
  const open = (name: string): object => ({
    name,
    path: `/${name}`,
    upstream: 'main',
    request: { headers: { set: { 'x-route': name } } },
  });
  gateway = await spawnGateway({
    env: { DATABASE_URL: database.url },
    config: {
      gateway: {
        upstreams: [{ name: 'main', targets: [upstream.url], retry: 'off', breaker: 'off', health: 'off' }],
        routes: [
          open('public'),
          open('files'),
          { path: '/admin', respond: closed },
          { path: '/secret', respond: closed },
        ],
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await database.drop();
});

interface Outcome {
  readonly path: string;
  readonly answer: Answer;
  /** What the upstream was asked for, and the route that asked. */
  readonly forwarded: { readonly target: string; readonly route: string } | null;
}

let sent = 0;

/** The query tells the upstream's requests apart. */
async function send(path: string): Promise<Outcome> {
  const mark = `n=${++sent}`;
  const wire = await Wire.open(gateway.port);
  wire.send(`GET ${path}${path.includes('?') ? '&' : '?'}${mark} HTTP/1.1\r\nHost: h\r\n\r\n`);
  const { answers } = await wire.hears(1);
  wire.destroy();
  expect({ path, answers: answers.length }).toEqual({ path, answers: 1 });
  const requests = upstream.requests.filter(({ url }) => url.endsWith(mark));
  expect(requests.length).toBe(answers[0]!.status === 200 ? 1 : 0);
  const [request] = requests;
  return {
    path,
    answer: answers[0]!,
    forwarded: request
      ? { target: request.url.slice(0, -mark.length - 1), route: String(request.headers['x-route']) }
      : null,
  };
}

/** Whoever reads the path, however carelessly, ends where the route is. */
function expectAgreement({ path: asSent, answer, forwarded }: Outcome): void {
  if (forwarded === null) {
    expect([400, ADMIN, 404, 414]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toMatch(
      answer.status === ADMIN ? /^text/ : /^application\/problem\+json$/,
    );
    return;
  }
  const [path = ''] = forwarded.target.split('?');
  for (const times of [0, 1, 2, 3]) {
    for (const backslashes of [false, true]) {
      const leads = `${whereItLeads(path, times, backslashes)}/`;
      expect({ asSent, leads }).toEqual({ asSent, leads: expect.stringMatching(`^/${forwarded.route}/`) });
    }
  }
}

describe('a path by hand', () => {
  const labelled = written.map(([path, expected]) => [path.slice(0, 60), path, expected] as const);

  it.each(labelled)('%j', async (_label, path, expected) => {
    const outcome = await send(path);
    expectAgreement(outcome);
    if (typeof expected === 'number') expect(outcome.answer.status).toBe(expected);
    else expect(outcome.forwarded).toEqual({ target: expected, route: 'public' });
  });
});

describe('a path that climbs', () => {
  const counts = { all: 0, refused: 0, forwarded: 0 };

  it.each(climbs)('with %j, whatever separates it', async (_dots, paths) => {
    const outcomes = await Promise.all(paths.map(send));
    outcomes.forEach(expectAgreement);
    counts.all += outcomes.length;
    counts.refused += outcomes.filter(({ answer }) => answer.status === 400).length;
    counts.forwarded += outcomes.filter(({ forwarded }) => forwarded !== null).length;
  });

  it('is refused most often, and not always', () => {
    expect(counts.refused).toBeGreaterThan(counts.all / 2);
    expect(counts.forwarded).toBeGreaterThan(counts.all / 50);
  });
});
