/**
 * One of two targets fails under a steady load: `node test/chaos/target-faults.mjs killed|hung|slow|flapping|dns|resets`,
 * after `npm run build`.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { scratchFolder } from '#testing';
import { must, quantile, row } from './report.mjs';
import { hasFailed, Load, startGateway, TargetProcess } from './target-stage.mjs';

const PER_SECOND = 300;
const BYTES = 20_000;
const IN_FLIGHT_ONLY = 'POSTs in flight to it; nothing idempotent; out ≤ 1 s; no second POST';
/** An answer that took longer than this was not right, whatever its status. */
const RIGHT_MS = 350;
/** Sooner than by default, for a run of seconds. */
const SOON = { timeouts: { response: '500ms' }, health: { passive: { eject: '2s' } }, breaker: { open: '2s' } };

const faults = { killed, hung, slow, flapping, dns, resets };

const run = faults[process.argv[2]];
if (run === undefined) throw new Error(`which fault? ${Object.keys(faults).join(', ')}`);
await run();

async function stage(settings, { urls, env } = {}) {
  const targets = [await TargetProcess.start('a', BYTES), await TargetProcess.start('b', BYTES)];
  const [a, b] = targets;
  const upstream = { name: 'api', targets: urls?.(a, b) ?? [a.url, b.url], ...settings };
  const gateway = await startGateway(
    {
      gateway: { compression: false, upstreams: [upstream], routes: [{ name: 'api', path: '/', upstream: 'api' }] },
      monitoring: { logs: { access: false } },
    },
    env,
  );
  const load = new Load(gateway.url, PER_SECOND, BYTES);
  await pause(3000);
  return {
    a,
    b,
    gateway,
    load,
    async end() {
      await load.stop();
      await gateway.stop();
      for (const target of targets) await target.kill();
      // What is written twice was sent twice, whichever target took it.
      const posts = targets.flatMap((target) => target.posts);
      must(new Set(posts).size === posts.length, `none of the ${posts.length} POSTs was sent twice`);
      return load.results;
    },
  };
}

/** When the gateway took target a out of rotation. */
function outAt(gateway, a, since) {
  const first = gateway
    .news(since)
    .find(({ text }) => text.includes(`:${a.port}: `) && /ejected after|circuit open/.test(text));
  return first?.at ?? Infinity;
}

/** Milliseconds from the fault to the last request that began wrong. */
function wrongFor(results, went) {
  const wrong = results.filter(
    (result) => result.at >= went - RIGHT_MS && (hasFailed(result) || result.tookMs > RIGHT_MS),
  );
  return Math.max(0, ...wrong.map(({ at }) => at - went));
}

function shown(results) {
  const failed = results.filter(hasFailed);
  const kinds = new Map();
  for (const { method, status, error } of failed) {
    const kind = `${method} ${status || error}${status === 200 ? ` ${error}` : ''}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const list = [...kinds].map(([kind, count]) => `${count} × ${kind}`).join(', ');
  console.log(`       ${results.length} requests, ${failed.length} failed${list && `: ${list}`}`);
  return failed;
}

function onlyPostsInFlight(results, from, to) {
  const failed = shown(results);
  must(
    failed.every(({ method }) => method === 'POST'),
    'no GET or PUT failed',
  );
  must(
    failed.every(({ at, tookMs }) => at + tookMs >= from && at <= to),
    'POSTs failed only while the target was in rotation',
  );
  return failed;
}

function backAfter(results, target, since) {
  const first = results.find(({ at, target: by }) => at >= since && by === target.name);
  return first === undefined ? Infinity : first.at - since;
}

async function killed() {
  const { a, gateway, end } = await stage(SOON);
  const went = Date.now();
  await a.kill();
  await pause(5000);
  const out = outAt(gateway, a, went);
  await a.start();
  const back = Date.now();
  await pause(8000);
  const results = await end();
  const failed = onlyPostsInFlight(results, went, went + 100);
  must(out - went <= 1000, `it was out of rotation after ${out - went} ms`);
  must(backAfter(results, a, back) <= 8000, `it had traffic again ${backAfter(results, a, back)} ms after it was back`);
  const again = wrongFor(results, went);
  must(again <= 1000, `the last wrong answer began ${again} ms after the fault`);
  row({
    what: 'one of two targets killed (SIGKILL) for 5 s',
    sent: results.length,
    failed: failed.length,
    again,
    allowed: IN_FLIGHT_ONLY,
  });
}

async function hung() {
  const { a, gateway, end } = await stage(SOON);
  const went = Date.now();
  a.signal('SIGSTOP');
  await pause(10_000);
  const out = outAt(gateway, a, went);
  a.signal('SIGCONT');
  const back = Date.now();
  await pause(12_000);
  const results = await end();
  const failed = onlyPostsInFlight(results, went, back);
  must(out - went <= 1000, `it was out of rotation after ${out - went} ms, with a response timeout of 500 ms`);
  const first = failed.filter(({ at }) => at <= out);
  const trials = failed.length - first.length;
  must(trials <= 5, `${first.length} POSTs failed before it was out, ${trials} more when it was tried again`);
  must(
    backAfter(results, a, back) <= 12_000,
    `it had traffic again ${backAfter(results, a, back)} ms after it went on`,
  );
  const late = results.filter(({ at }) => at < out);
  const again = wrongFor(late, went);
  const tried = results.filter(({ at, tookMs }) => at > out && at < back && tookMs > RIGHT_MS).length;
  must(tried <= 10, `${tried} requests waited for it when it was tried again`);
  row({
    what: 'one of two targets hung (SIGSTOP) for 10 s',
    sent: results.length,
    failed: failed.length,
    again,
    allowed: IN_FLIGHT_ONLY,
  });
}

async function slow() {
  const { a, end } = await stage({ balance: 'ewma' });
  const went = Date.now();
  await a.behave('slow');
  await pause(8000);
  const better = Date.now();
  await a.behave('answer');
  await pause(12_000);
  const results = await end();
  const failed = shown(results);
  must(failed.length === 0, 'no request failed');
  const during = results.filter(({ at }) => at >= went + 1000 && at < better);
  const share = during.filter(({ target }) => target === 'a').length / during.length;
  must(share <= 0.05, `after a second it had ${(100 * share).toFixed(1)}% of the traffic`);
  const after = results.filter(({ at }) => at >= better + 10_000);
  const regained = after.filter(({ target }) => target === 'a').length / after.length;
  must(regained >= 0.2, `ten seconds after it was fast again it had ${(100 * regained).toFixed(0)}%`);
  const took = during.map(({ tookMs }) => tookMs);
  console.log(`       meanwhile p50 ${quantile(took, 0.5)} ms, p99 ${quantile(took, 0.99)} ms`);
  const begun = results.filter(({ at, tookMs }) => at >= went && at < better && tookMs > RIGHT_MS);
  // Now and then one is sent there to see.
  const most = begun.filter(({ at }) => at < went + 1000);
  const again = Math.max(0, ...most.map(({ at }) => at - went));
  row({
    what: 'one of two targets answers after 400 ms, not 5, for 8 s (ewma)',
    sent: results.length,
    failed: failed.length,
    again,
    allowed: 'nothing fails; ≤ 5% go to it after 1 s',
  });
}

async function flapping() {
  const { a, end } = await stage(SOON);
  const went = Date.now();
  for (let i = 0; i < 8; i++) {
    await a.kill();
    await pause(700);
    await a.start();
    await pause(700);
  }
  const still = Date.now();
  await pause(25_000);
  const results = await end();
  const failed = onlyPostsInFlight(results, went, still);
  const again = backAfter(results, a, still);
  must(again <= 21_000, `it had traffic again ${again} ms after it was there for good`);
  row({
    what: 'one of two targets killed and started 8 times in 14 s',
    sent: results.length,
    failed: failed.length,
    again: wrongFor(results, still),
    allowed: IN_FLIGHT_ONLY,
  });
}

async function dns() {
  const hosts = join(scratchFolder('hosts'), 'hosts');
  const known = 'a.chaos 127.0.0.1\nb.chaos 127.0.0.1\n';
  writeFileSync(hosts, known);
  const preload = new URL('dns-gone.mjs', import.meta.url).href;
  const { gateway, end } = await stage(SOON, {
    urls: (a, b) => [
      { url: `http://a.chaos:${a.port}`, resolve: '1s' },
      { url: `http://b.chaos:${b.port}`, resolve: '1s' },
    ],
    env: { NODE_OPTIONS: `--import=${preload}`, CHAOS_HOSTS: hosts },
  });
  const went = Date.now();
  rmSync(hosts);
  await pause(5000);
  const said = gateway.news(went).filter(({ text }) => text.includes('cannot be looked up'));
  writeFileSync(hosts, known);
  const back = Date.now();
  await pause(3000);
  const saidBack = gateway.news(back).filter(({ text }) => text.includes('can be looked up again'));
  const results = await end();
  const failed = shown(results);
  must(failed.length === 0, 'no request failed');
  must(said.length === 2, `the log said so, once for each name (${said.length})`);
  must(saidBack.length === 2, `and that it is back (${saidBack.length})`);
  row({
    what: 'the DNS of both targets gone for 5 s',
    sent: results.length,
    failed: failed.length,
    again: wrongFor(results, went),
    allowed: 'nothing lost; said so',
  });
}

async function resets() {
  const { a, gateway, end } = await stage(SOON);
  const went = Date.now();
  await a.behave('reset');
  await pause(8000);
  const out = outAt(gateway, a, went);
  const back = Date.now();
  await a.behave('answer');
  await pause(12_000);
  const results = await end();
  const failed = shown(results);
  must(
    failed.every(({ error }) => error !== null && error !== 'TRUNCATED'),
    'every answer that broke off broke off visibly',
  );
  must(out - went <= 1000, `it was out of rotation after ${out - went} ms`);
  const later = failed.filter(({ at }) => at > out);
  must(later.length <= 10, `${later.length} more broke off when it was tried again`);
  must(
    backAfter(results, a, back) <= 12_000,
    `it had traffic again ${backAfter(results, a, back)} ms after it was well`,
  );
  const first = failed.filter(({ at }) => at <= out);
  row({
    what: 'one of two targets resets in the middle of each body for 8 s',
    sent: results.length,
    failed: failed.length,
    again: wrongFor(first, went),
    allowed: 'answers under way break off visibly; out ≤ 1 s',
  });
}
