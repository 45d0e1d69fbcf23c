import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawnGateway } from '#testing';
import { codeOf, NOBODY, type Part, plainUpstream, reset, type Stage, status } from '../stage.js';

export const LOST_UPSTREAMS: Part = {
  configure: () => ({
    upstreams: [
      plainUpstream('nobody', NOBODY),
      { ...plainUpstream('unhealthy', NOBODY), health: { active: { interval: '100ms', unhealthy: 1 } } },
    ],
    routes: [
      { path: '/nobody', upstream: 'nobody' },
      { path: '/unhealthy', upstream: 'unhealthy' },
      { path: '/half', upstream: [{ upstream: 'v2' }, { upstream: 'nobody' }] },
      { path: '/quarter', upstream: [{ upstream: 'v2', weight: 3 }, { upstream: 'unhealthy' }] },
      { path: '/without', upstream: [{ upstream: 'v2' }, { upstream: 'nobody', weight: 0 }] },
      { path: '/goes-away', upstream: 'v3' },
      { path: '/heard', upstream: 'v1' },
    ],
  }),
  describe: describeLostUpstreams,
};

function describeLostUpstreams(stage: () => Stage): void {
  beforeAll(async () => {
    // The first check of its health has to come first.
    while ((await stage().whoAnswers({ path: '/unhealthy' })) !== 503);
  });

  describe('an upstream', () => {
    it.each([
      ['that nobody listens for is a 502', '/nobody', 502, 'upstream_unreachable'],
      ['without a healthy target is a 503', '/unhealthy', 503, 'no_healthy_upstream'],
    ])('%s', async (_says, path, code, name) => {
      const { status, headers, body } = await stage().ask({ path });
      expect([status, headers['content-type'], codeOf(body)]).toEqual([code, 'application/problem+json', name]);
    });

    it('that breaks the connection is a 502', async () => {
      stage().v1.repliesWith(reset);
      const { status, body } = await stage().ask({ method: 'POST', path: '/heard', body: 'text' });
      expect([status, codeOf(body)]).toEqual([502, 'upstream_reset']);
    });

    it.each([400, 404, 500, 502, 503])('that answers %d is heard', async (code) => {
      stage().v1.repliesWith(status(code, { 'x-own': 'yes' }));
      const answer = await stage().ask({ path: '/heard' });
      expect([answer.status, answer.from, answer.headers['x-own'], answer.body]).toEqual([code, 'v1', 'yes', '']);
    });

    it.each([
      ['half', '/half', 502, 0.5],
      ['a quarter', '/quarter', 503, 0.25],
      ['none', '/without', 502, 0],
    ])('that is not there fails its share of a split: %s', async (_says, path, code, share) => {
      const times = 60;
      let failed = 0;
      for (let i = 0; i < times; i++) {
        const answerer = await stage().whoAnswers({ path });
        if (answerer === code) failed++;
        else expect(answerer).toBe('v2');
      }
      expect(Math.abs(failed / times - share)).toBeLessThanOrEqual(share === 0 ? 0 : 0.05);
    });

    it('that comes back is asked again', async () => {
      const { server } = stage().v3;
      const { port } = server;
      expect(await stage().whoAnswers({ path: '/goes-away' })).toBe('v3');
      await server.kill();
      expect(await stage().whoAnswers({ path: '/goes-away' })).toBe(502);
      await server.listen(port);
      expect(await stage().whoAnswers({ path: '/goes-away' })).toBe('v3');
    });
  });

  /** Where the standard has routes answer 500, the configuration is refused before anyone asks. */
  describe('a configuration', () => {
    it.each([
      ['that names an upstream that there is not', { upstream: 'missing' }, 'no upstream is called "missing"'],
      ['with a route that has no upstream', {}, 'exactly one of upstream, redirect and respond'],
      [
        'with a split that leaves nobody',
        { upstream: [{ upstream: 'http://a.example', weight: 0 }] },
        'every weight is 0',
      ],
    ])('%s is refused', async (_says, route, message) => {
      await expect(spawnGateway({ config: { gateway: { routes: [{ path: '/x', ...route }] } } })).rejects.toThrow(
        message,
      );
    });
  });
}
