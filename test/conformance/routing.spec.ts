import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CONDITION_TOPICS, METHODS } from './routing/conditions.js';
import { HOST_TOPICS } from './routing/hosts.js';
import { PATH_TOPICS } from './routing/paths.js';
import { type Topic } from './routing/topic.js';
import { Stage } from './stage.js';

/** All on one gateway, kept apart by their hosts. */
const TOPICS = [...PATH_TOPICS, ...CONDITION_TOPICS, ...HOST_TOPICS];

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open(() => ({
    routes: TOPICS.flatMap((topic) => topic.routes.map((route) => ({ hosts: [hostOf(topic)], ...route }))),
  }));
}, 60_000);

afterAll(async () => {
  await stage.close();
});

describe.each(TOPICS.map((topic) => [topic.about, topic] as const))('%s', (_about, topic) => {
  it.each(topic.cases)('%s', async (_says, asked, answerer) => {
    const request = typeof asked === 'string' ? { path: asked } : asked;
    expect(await stage.whoAnswers({ host: hostOf(topic), ...request })).toBe(answerer);
  });
});

describe('what no route takes', () => {
  it('is a 404 that says so', async () => {
    const { status, headers, body } = await stage.ask({ host: 'no.such.host', path: '/x' });
    expect([status, headers['content-type']]).toEqual([404, 'application/problem+json']);
    expect(JSON.parse(body)).toMatchObject({ status: 404, code: 'route_not_found', instance: '/x' });
  });

  it('is a 405 with the methods that are taken, where it is only for the method', async () => {
    const { status, headers, body } = await stage.ask({ host: hostOf(METHODS), method: 'DELETE' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD, PATCH, POST']);
    expect(JSON.parse(body)).toMatchObject({ status: 405, code: 'method_not_allowed' });
  });
});

function hostOf(topic: Topic): string {
  return `topic-${TOPICS.indexOf(topic)}.example`;
}
