import { expect } from '@jest/globals';
import { type OutgoingHttpHeaders } from 'node:http';
import { type CacheStage } from './cache-stage.js';

/** One request of a case, and what has to come of it. */
export interface Step {
  readonly method?: string;
  readonly send?: OutgoingHttpHeaders;
  readonly body?: string;
  /** After the path of the case. */
  readonly suffix?: string;
  /** What the upstream would answer now; as before when left out. */
  readonly upstream?: { readonly status?: number; readonly headers?: OutgoingHttpHeaders; readonly body?: string };
  /** Whether the upstream is asked. */
  readonly asks: boolean;
  readonly status?: number;
  /** Which request of the upstream the body comes from, counted from 1 for each case. */
  readonly from?: number;
  readonly cacheStatus?: RegExp;
  /** Of the answer: as it is, or null for absent. */
  readonly has?: Readonly<Record<string, string | RegExp | null>>;
  /** Of the request upstream. */
  readonly asksWith?: Readonly<Record<string, string | undefined>>;
}

export type Case = readonly [says: string, steps: readonly Step[]];

type Head = string | OutgoingHttpHeaders;

function head(said: Head): OutgoingHttpHeaders {
  return typeof said === 'string' ? { 'cache-control': said } : said;
}

/** The upstream is asked, and its answer has these fields; a text is its Cache-Control. */
export function fetched(said: Head, step: Partial<Step> & { readonly gives?: number } = {}): Step {
  const { gives = 200, ...more } = step;
  return { upstream: { status: gives, headers: head(said) }, asks: true, status: gives, ...more };
}

/** The upstream is asked once more, and answers as before. */
export function again(step: Partial<Step> = {}): Step {
  return { asks: true, ...step };
}

/** What is stored is the answer. */
export function hit(step: Partial<Step> = {}): Step {
  return { asks: false, cacheStatus: /^Aegis; hit; ttl=-?\d+$/, has: { age: /^\d+$/ }, ...step };
}

/** Plays a case on a path of its own. */
export async function play(stage: CacheStage, path: string, steps: readonly Step[]): Promise<void> {
  let count = 0;
  let reply: NonNullable<Step['upstream']> = {};
  let latest = 0;
  stage.replies.set(path, (res) => {
    count++;
    const { status = 200, headers = {}, body } = reply;
    res.writeHead(status, { 'content-type': 'text/plain', ...headers });
    res.end(status === 204 || status === 304 ? undefined : (body ?? `answer ${count}`));
  });
  for (const [index, step] of steps.entries()) {
    reply = step.upstream ?? reply;
    const before = count;
    const answer = await stage.ask(path + (step.suffix ?? ''), {
      method: step.method ?? 'GET',
      headers: step.send ?? {},
      ...(step.body !== undefined && { body: step.body }),
    });
    const at = `step ${index + 1}`;
    expect([at, count - before]).toEqual([at, step.asks ? 1 : 0]);
    if (step.status !== undefined) expect([at, answer.status]).toEqual([at, step.status]);
    if (step.asks && answer.status !== 304) latest = count;
    const from = step.from ?? (step.asks ? count : latest);
    const bodiless =
      step.method === 'HEAD' || [204, 304].includes(answer.status) || answer.headers['content-type'] !== 'text/plain';
    if (!bodiless && reply.body === undefined) expect([at, answer.body]).toEqual([at, `answer ${from}`]);
    if (step.cacheStatus) expect(answer.headers['cache-status']).toMatch(step.cacheStatus);
    for (const [name, wanted] of Object.entries(step.has ?? {})) {
      const value = answer.headers[name];
      if (wanted === null) expect([at, name, value]).toEqual([at, name, undefined]);
      else if (typeof wanted === 'string') expect([at, name, value]).toEqual([at, name, wanted]);
      else expect(value).toMatch(wanted);
    }
    for (const [name, wanted] of Object.entries(step.asksWith ?? {})) {
      expect(stage.asked(path).at(-1)?.headers[name]).toBe(wanted);
    }
  }
}
