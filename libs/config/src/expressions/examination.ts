import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

export type Verdict =
  | { readonly kind: 'safe' }
  | { readonly kind: 'polynomial' | 'exponential'; readonly part: string }
  | { readonly kind: 'unknown' };

/** In milliseconds. */
export interface Limits {
  /** For one expression. */
  readonly time: number;
  /** For all of a file. */
  readonly all: number;
}

/** What it is examined for. */
export type Sake = 'served' | 'document';

/** As the analysis says it, with where the time goes. */
interface Answer {
  readonly source: string;
  readonly kind: Verdict['kind'];
  readonly part: string;
}

const require = createRequire(import.meta.url);

const EXAMINER = `
const { parentPort, workerData } = require('node:worker_threads');
const { checkSync } = require(workerData.analysis);
for (const source of workerData.sources) {
  const { status, complexity, hotspot = [] } = checkSync(source, '', { timeout: workerData.time });
  const hot = hotspot.find(({ temperature }) => temperature === 'heat');
  const kind = status === 'vulnerable' ? complexity.type : status;
  parentPort.postMessage({ source, kind, part: hot ? source.slice(hot.start, hot.end) : source });
}
`;

/** The analysis and a large expression at work; a worker that wants more ends, and its expression is not known to be safe. */
const MEGABYTES = 512;
const LOADING = 10_000;
const REMEMBERED = 10_000;

const verdicts = new Map<string, Verdict>();
const earlier: Record<Sake, Promise<unknown>> = { served: Promise.resolve(), document: Promise.resolve() };

/**
 * How much longer than its text an expression may keep the process busy. The analysis is large and thorough: it is loaded
 * on a thread that ends with it, for expressions that have no verdict yet, and one file at a time: what is to be served
 * waits for no document, which whoever may only read can ask about.
 */
export async function examine(
  sources: readonly string[],
  limits: Limits = { time: 30_000, all: 600_000 },
  sake: Sake = 'served',
): Promise<ReadonlyMap<string, Verdict>> {
  const mine = earlier[sake].then(async () => {
    const fresh = [...new Set(sources)].filter((source) => !verdicts.has(source));
    const found = fresh.length === 0 ? new Map<string, Verdict>() : await onThread(fresh, limits);
    const all = new Map(sources.map((source) => [source, found.get(source) ?? verdicts.get(source) ?? UNKNOWN]));
    // A time-out may have been the machine's fault: it is no verdict to keep.
    for (const [source, verdict] of found) if (verdict.kind !== 'unknown') remember(source, verdict);
    return all;
  });
  earlier[sake] = mine.catch(() => undefined);
  return await mine;
}

const UNKNOWN: Verdict = { kind: 'unknown' };

function remember(source: string, verdict: Verdict): void {
  if (verdicts.size >= REMEMBERED) verdicts.clear();
  verdicts.set(source, verdict);
}

/** Those that a worker had no answer to in time, or died of, are not in the result's favour: a new worker takes the rest. */
async function onThread(sources: readonly string[], { time, all }: Limits): Promise<Map<string, Verdict>> {
  const found = new Map<string, Verdict>();
  const end = performance.now() + all;
  let left = sources;
  while (left.length > 0 && performance.now() < end) {
    await untilItEnds(left, { time, all: end - performance.now() }, ({ source, kind, part }) => {
      found.set(source, kind === 'polynomial' || kind === 'exponential' ? { kind, part } : { kind });
    });
    const [stuck] = left.filter((source) => !found.has(source));
    if (stuck !== undefined) found.set(stuck, UNKNOWN);
    left = left.filter((source) => !found.has(source));
  }
  return found;
}

async function untilItEnds(
  sources: readonly string[],
  { time, all }: Limits,
  answer: (answer: Answer) => void,
): Promise<void> {
  const worker = new Worker(EXAMINER, {
    eval: true,
    // The JavaScript build: it runs wherever Node does, and starts no process of its own.
    workerData: { analysis: require.resolve('recheck/lib/browser.js'), sources, time },
    resourceLimits: { maxOldGenerationSizeMb: MEGABYTES },
    execArgv: [],
    env: {},
  });
  await new Promise<void>((resolve) => {
    const terminate = (): void => void worker.terminate();
    // The analysis looks at the clock itself; this is for when it does not come to that.
    let last = setTimeout(terminate, LOADING + 2 * time);
    const end = setTimeout(terminate, all);
    worker.on('message', (each: Answer) => {
      answer(each);
      clearTimeout(last);
      last = setTimeout(terminate, 2 * time);
    });
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      clearTimeout(last);
      clearTimeout(end);
      resolve();
    });
  });
}
