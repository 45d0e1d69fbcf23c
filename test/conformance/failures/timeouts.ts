import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { codeOf, type Part, plainUpstream, silence, type Stage } from '../stage.js';

/** Over in a moment, and yet not before a busy machine has begun an answer. */
const SHORT = '800ms';
const LONG = '20s';

export const TIMEOUTS: Part = {
  configure: (at) => ({
    upstreams: [
      { ...plainUpstream('impatient', at.v1), timeouts: { response: SHORT } },
      { ...plainUpstream('patient', at.v1), timeouts: { response: LONG } },
      { ...plainUpstream('endless', at.v1), timeouts: { response: 'off', idle: 'off' } },
      { ...plainUpstream('restless', at.v1), timeouts: { idle: SHORT } },
    ],
    routes: [
      { path: '/request', upstream: 'v1', timeout: SHORT },
      { path: '/backend', upstream: 'impatient' },
      { path: '/idle', upstream: 'restless' },
      { path: '/request-first', upstream: 'patient', timeout: SHORT },
      { path: '/backend-first', upstream: 'impatient', timeout: LONG },
      { path: '/off', upstream: 'endless', timeout: 'off' },
      { path: '/unsaid', upstream: 'endless' },
      { path: '/long', upstream: 'v1', timeout: LONG },
    ],
  }),
  describe: describeTimeouts,
};

function describeTimeouts(stage: () => Stage): void {
  describe('a request without an answer', () => {
    it.each([
      ['is a 504 when the time of its route is over', '/request'],
      ['is a 504 when the time of its upstream is over', '/backend'],
      ['is a 504 when the time of its route is over before that of its upstream', '/request-first'],
      ['is a 504 when the time of its upstream is over before that of its route', '/backend-first'],
    ])('%s', async (_says, path) => {
      stage().v1.repliesWith(silence);
      const heard = stage().v1.hears();
      const { status, headers, body } = await stage().ask({ path, method: 'POST', body: 'text' });
      expect([status, headers['content-type'], codeOf(body)]).toEqual([
        504,
        'application/problem+json',
        'upstream_timeout',
      ]);
      // The upstream learns that nobody waits for it any longer.
      const [, res] = await heard;
      if (!res.closed) await once(res, 'close');
      expect(await stage().whoAnswers({ path: '/long' })).toBe('v1');
    });

    it.each([
      ['there is none', '/unsaid'],
      ['it is off', '/off'],
      ['it is long', '/long'],
    ])('waits longer than others where a time is given, where %s', async (_says, path) => {
      stage().v1.repliesWith(silence, silence);
      const [heard, waiting] = [stage().v1.hears(), stage().ask({ path })];
      const [, res] = await heard;
      expect((await stage().ask({ path: '/request' })).status).toBe(504);
      res.end('at last');
      expect((await waiting).body).toBe('at last');
    });
  });

  describe('a time that is given', () => {
    it.each([
      ['of a route', '/request'],
      ['between two pieces', '/idle'],
    ])('%s ends an answer that has begun, so that the client sees it', async (_says, path) => {
      stage().v1.repliesWith((res) => res.writeHead(200, { 'content-length': 100 }).write('half'));
      await expect(stage().ask({ path })).rejects.toThrow();
      expect(await stage().whoAnswers({ path: '/long' })).toBe('v1');
    });

    it('for the beginning of an answer says nothing about the rest', async () => {
      stage().v1.repliesWith((res) => res.writeHead(200).write('now and '), silence);
      const [heard, answer] = [stage().v1.hears(), stage().ask({ path: '/backend' })];
      const [, res] = await heard;
      expect((await stage().ask({ path: '/backend' })).status).toBe(504);
      res.end('later');
      expect((await answer).body).toBe('now and later');
    });
  });
}
