// Clients of an overloaded service. A job of `perSecond`: they arrive at random, give up after `patience`, and try again up
// to three times when they were refused or gave up. A job of `connections`: so many that always have one request under way.
import { Agent, get } from 'node:http';

const RETRIES = 3;
const agent = new Agent({ keepAlive: true });

/** 'served', 'refused' (and not by patience), or 'late'. */
function ask(port, patience) {
  return new Promise((resolve) => {
    const asked = get({ port, host: '127.0.0.1', path: '/shop', agent }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.statusCode === 200 ? 'served' : 'refused'));
      res.on('error', () => resolve('late'));
    });
    const late = setTimeout(() => asked.destroy(), patience);
    asked.on('error', () => resolve('late'));
    asked.on('close', () => clearTimeout(late));
  });
}

async function overload({ port, perSecond, seconds, patience }) {
  const counts = { clients: 0, attempts: 0, served: 0, refused: 0, late: 0 };
  const until = performance.now() + seconds * 1000;
  const attempt = async (retries) => {
    counts.attempts += 1;
    const outcome = await ask(port, patience);
    if (performance.now() > until) return;
    counts[outcome] += 1;
    if (outcome === 'served' || retries === 0) return;
    setTimeout(() => void attempt(retries - 1), 20 + 200 * Math.random());
  };
  for (let due = performance.now(); due < until; due -= (Math.log(1 - Math.random()) * 1000) / perSecond) {
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    counts.clients += 1;
    void attempt(RETRIES);
  }
  await new Promise((resolve) => setTimeout(resolve, until - performance.now() + 2 * patience));
  return counts;
}

async function saturate({ port, connections, seconds }) {
  const until = performance.now() + seconds * 1000;
  let served = 0;
  const loop = async () => {
    while (performance.now() < until)
      if ((await ask(port, 60_000)) === 'served') served += performance.now() < until ? 1 : 0;
  };
  await Promise.all(Array.from({ length: connections }, loop));
  return { served };
}

process.on('message', async (job) => process.send(await (job.perSecond ? overload(job) : saturate(job))));
process.on('disconnect', () => process.exit(0));
process.send({});
