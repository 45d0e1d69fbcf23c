import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type SpawnedGateway, spawnGateway, startPostgres, type TestDatabase } from '#testing';
import { type Answer } from './answers.js';
import { type Case } from './smuggling/case.js';
import { chunkEnds, chunkSizes, trailerFields } from './smuggling/chunks.cases.js';
import { fieldLines, hostFields, requestLines } from './smuggling/heads.cases.js';
import { bothLengths, codingDisguises, lengthDisguises } from './smuggling/lengths.cases.js';
import { connectionNames, oversize, twins } from './smuggling/fields.cases.js';
import { expectations, oddBodies, pipelines, upgrades } from './smuggling/requests.cases.js';
import { RecordingUpstream, type UpstreamKind } from './upstreams/recording-upstream.js';
import { Wire } from './wire.js';

const GROUPS: readonly (readonly [string, readonly Case[]])[] = [
  ['both lengths', bothLengths],
  ['transfer codings in disguise', codingDisguises],
  ['lengths in disguise', lengthDisguises],
  ['chunk sizes', chunkSizes],
  ['ends of chunks', chunkEnds],
  ['trailers', trailerFields],
  ['request lines', requestLines],
  ['field lines', fieldLines],
  ['hosts', hostFields],
  ['pipelines', pipelines],
  ['what Connection names', connectionNames],
  ['twins of our fields', twins],
  ['expectations', expectations],
  ['upgrades', upgrades],
  ['bodies where few are sent', oddBodies],
  ['too much of it', oversize],
];

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

describe.each<UpstreamKind>(['strict', 'lenient'])('hostile requests before a %s upstream', (kind) => {
  let upstream: RecordingUpstream;
  let database: TestDatabase;
  let patient: SpawnedGateway;
  /** For attackers that say nothing more. */
  let impatient: SpawnedGateway;
  /** Somebody else, whose connection and whose requests the attacker wants. */
  const neighbours = new Map<SpawnedGateway, Wire>();
  let asked = 0;

  beforeAll(async () => {
    upstream = await RecordingUpstream.start(kind);
    database = await (await startPostgres()).createDatabase();
    const start = async (limits: object): Promise<SpawnedGateway> =>
      await spawnGateway({
        env: { DATABASE_URL: database.url },
        config: {
          gateway: {
            limits: { body: '1kb', ...limits },
            upstreams: [{ name: 'main', targets: [upstream.url], retry: 'off', breaker: 'off', health: 'off' }],
            routes: [{ path: '/', upstream: 'main', websocket: true }],
          },
        },
      });
    const short = { headersTimeout: '200ms', requestTimeout: '200ms' };
    [patient, impatient] = await Promise.all([start({}), start(short)]);
    for (const gateway of [patient, impatient]) await askAsNeighbour(gateway);
  }, 60_000);

  afterAll(async () => {
    for (const neighbour of neighbours.values()) neighbour.destroy();
    await Promise.all([patient.stop(), impatient.stop()]);
    await upstream.stop();
    await database.drop();
  });

  /** The neighbour gets the answer to its own question, whatever stood on the connection that it was sent on. */
  async function askAsNeighbour(gateway: SpawnedGateway): Promise<string> {
    const target = `/neighbour/${++asked}`;
    const known = neighbours.get(gateway);
    const neighbour = known === undefined || known.closed ? await Wire.open(gateway.port) : known;
    neighbours.set(gateway, neighbour);
    neighbour.send(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`);
    const { answers } = await neighbour.hears(1);
    neighbour.forget();
    expect(answers).toMatchObject([{ status: 200, body: `GET ${target}` }]);
    return target;
  }

  describe.each(GROUPS)('%s', (_group, cases) => {
    it.each(cases)('%s', async (_name, bytes, expected, upstreamGot = {}) => {
      upstream.takeFromTheWires();
      const understoodBefore = upstream.understood.length;
      const bodiless = bytes.startsWith('HEAD ') ? 1 : 0;
      const gateway = expected.includes(408) ? impatient : patient;
      const attacker = await Wire.open(gateway.port);
      attacker.send(bytes);
      await attacker.hears(expected.length, bodiless);
      const refused = expected.some((status) => status >= 400);
      // Whoever is refused is put out; whoever is served leaves.
      if (refused) await attacker.ended();
      const neighboursTarget = await askAsNeighbour(gateway);
      await attacker.finish();

      const { answers, rest } = attacker.answers(bodiless);
      expect({ statuses: statuses(answers), rest }).toEqual({ statuses: expected, rest: '' });
      answers.forEach((answer, i) => {
        if (answer.status === 200) expect(answer.body).toMatch(new RegExp(i < bodiless ? '^$' : `^[A-Z]+ /${i + 1}$`));
        else expectProblem(answer, i < bodiless);
      });

      const understood = upstream.understood.slice(understoodBefore).sort();
      const targets = expected.filter((status) => status === 200).map((_, i) => `/${i + 1}`);
      // Requests that arrive together may be on their way together.
      expect(understood).toEqual([...targets, neighboursTarget]);

      const whole = upstream.takeFromTheWires().filter(({ complete }) => complete);
      expect(whole.map(({ target }) => target).sort()).toEqual(understood);
      if (!refused) {
        // The neighbour was sent where the attacker had been.
        const shared = whole.filter(({ target }) => target === neighboursTarget).map(({ connection }) => connection);
        const others = whole.filter(({ target }) => target !== neighboursTarget);
        expect(others.map(({ connection }) => connection)).toEqual(expect.arrayContaining(shared));
      }
      if (expected[0] === 200) {
        const first = whole.find(({ target }) => target === '/1')!;
        const lines = first.fields.map(([name, value]) => `${name}: ${value}`);
        for (const line of upstreamGot.has ?? []) expect(lines).toContain(line);
        for (const name of upstreamGot.lacks ?? []) expect(first.fields.map(([each]) => each)).not.toContain(name);
        if (upstreamGot.body !== undefined) expect(first.body).toBe(upstreamGot.body);
      }
    });
  });

  function expectProblem({ status, headers, body }: Answer, toHead: boolean): void {
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('connection')).toBe('close');
    // An answer to HEAD has no body, unless the request could not be read far enough to know that it was one.
    if (toHead && body === '') return;
    const problem = JSON.parse(body) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, requestId: headers.get('x-request-id') });
    expect(problem['code']).toMatch(/^[a-z_]+$/);
  }
});
