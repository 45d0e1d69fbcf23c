import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CONDITION_TOPICS } from './routing/conditions.js';
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

function hostOf(topic: Topic): string {
  return `topic-${TOPICS.indexOf(topic)}.example`;
}
