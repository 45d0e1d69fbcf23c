// What it costs to know who is calling, and whether it costs more the more callers there are.
import { createHash, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { round } from '../statistics.mjs';
import { rss, startAegis, withScratch } from './aegis.mjs';
import { compare, ratioRow } from './compare.mjs';

const SECRET = randomBytes(32).toString('hex');
const MANY = 100_000;
/** What a configuration file of 8 MB, the largest that is taken, has room for. */
const MANY_IN_FILE = 60_000;
const FEW = 10;
const ADMIN_KEY = randomBytes(20).toString('hex');
const KEPT_OFF = { breaker: 'off', retry: 'off', health: 'off' };

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const keyOf = (i) => `aegis_${sha256(`key ${i}`).slice(0, 40)}`;
const range = (count) => Array.from({ length: count }, (_, i) => i);
/** Of `requests` in turn, whoever sends them: making and sending many costs the load core more, which Aegis would feel. */
const keyFields = (count, requests = count) => range(requests).map((i) => `X-API-Key: ${keyOf(i % count)}`);

const configOf = (upstream, auth, authConfig) => ({
  gateway: {
    upstreams: [{ name: 'shop', targets: [`http://127.0.0.1:${upstream}`], ...KEPT_OFF }],
    routes: [{ name: 'shop', path: '/shop', upstream: 'shop', ...(auth && { auth }) }],
  },
  ...(authConfig && { auth: authConfig }),
});

const declared = (count) => ({
  consumers: range(count).map((i) => ({ name: `consumer-${i}`, apiKeys: [{ hash: `sha256:${sha256(keyOf(i))}` }] })),
});

const declaredVariant = (name, count, requests) => ({
  name,
  fields: keyFields(count, requests),
  config: (upstream) => configOf(upstream, { methods: ['api-key'] }, declared(count)),
});

/** Consumers as the admin API makes them, each with a key, but written in a few statements. */
async function fill(url, count) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO consumers (id, name, roles)
       SELECT gen_random_uuid(), 'consumer-' || n, '{user}' FROM generate_series(0, $1 - 1) AS n`,
      [count],
    );
    await client.query(
      `INSERT INTO config_entities (kind, name, spec, position, version)
       SELECT 'consumers', 'consumer-' || n, '{"roles":["user"]}', n + 1, 1 FROM generate_series(0, $1 - 1) AS n`,
      [count],
    );
    await client.query(
      `INSERT INTO credentials (id, consumer_id, kind, name, prefix, hash)
       SELECT gen_random_uuid(), o.id, 'api-key', 'bench', left(k.key, 12), sha256(k.key::bytea)
       FROM unnest($1::text[]) WITH ORDINALITY AS k (key, n) JOIN consumers o ON o.name = 'consumer-' || (k.n - 1)`,
      [range(count).map(keyOf)],
    );
    await client.query('UPDATE config_head SET version = 1');
    await client.query(`SELECT pg_notify('aegis_config', '1')`);
    await client.query('COMMIT');
    await client.query('VACUUM ANALYZE');
  } finally {
    await client.end();
  }
}

const storedVariant = (name, count, requests) => ({
  name,
  fields: keyFields(count, requests),
  config: (upstream) => configOf(upstream, { methods: ['api-key'] }, { apiKeys: {} }),
  prepare: async (port, folder) => {
    await fill(await databaseOf(folder), count);
    await served(port, `consumer-${count - 1}`);
  },
});

async function databaseOf(folder) {
  const { runningUrl } = await import(
    new URL('../../dist/libs/storage/src/embedded/embedded-postgres.js', import.meta.url).href
  );
  return runningUrl(`${folder}/data/postgres`);
}

async function admin(port, method, path, body) {
  return await fetch(`http://127.0.0.1:${port}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': ADMIN_KEY, connection: 'close', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
}

/** Until the admin API shows it. */
async function served(port, consumer) {
  const until = performance.now() + 120_000;
  while (performance.now() < until) {
    const response = await admin(port, 'GET', `consumers/${consumer}`);
    await response.arrayBuffer();
    if (response.ok) return;
    await sleep(50);
  }
  throw new Error(`${consumer} is not served two minutes after it was written`);
}

/** Seconds that `work` took, and the longest that a request waited meanwhile: what is done at once keeps all waiting. */
async function disturbance(port, work) {
  let working = true;
  let longest = 0;
  const asking = (async () => {
    while (working) {
      const began = performance.now();
      const response = await fetch(`http://127.0.0.1:${port}/health/live`);
      await response.arrayBuffer();
      longest = Math.max(longest, performance.now() - began);
      await sleep(5);
    }
  })();
  const began = performance.now();
  let took = 0;
  try {
    await work();
    took = (performance.now() - began) / 1000;
  } finally {
    working = false;
    await asking;
  }
  return { took, longest: longest / 1000 };
}

/** What changes and starts take with so many consumers in the database. */
async function living(count) {
  return await withScratch(async (folder) => {
    const env = { AEGIS_ADMIN_KEY: ADMIN_KEY };
    const config = configOf(1, 'required', { apiKeys: {} });
    const first = await startAegis({ folder, config, env });
    let all;
    let one;
    try {
      const url = await databaseOf(folder);
      all = await disturbance(first.port, async () => {
        await fill(url, count);
        await served(first.port, `consumer-${count - 1}`);
      });
      one = await disturbance(first.port, async () => {
        const response = await admin(first.port, 'PUT', 'consumers/one-more', { roles: ['user'] });
        if (!response.ok) throw new Error(`a change was answered ${response.status}: ${await response.text()}`);
      });
    } finally {
      await first.stop();
    }
    const again = await startAegis({ folder, config, env });
    const megabytes = rss(again.child.pid) / 1024 ** 2;
    await again.stop();
    return { all, one, start: again.tookMs / 1000, megabytes };
  });
}

const secondsRow = (what, seconds, must, note) => ({ what, value: round(seconds, 2), unit: ' s', must, note });

export const auth = {
  about: `CPU per proxied request with authentication and without, and with ${MANY} consumers and ${FEW}.`,
  options: { rounds: 61, seconds: 0.5 },
  async run(settings) {
    const token = await new SignJWT({ sub: 'alice', roles: ['user'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('2h')
      .sign(Buffer.from(SECRET));
    const bearer = [`Authorization: Bearer ${token}`];
    process.env.AEGIS_ADMIN_KEY = ADMIN_KEY;
    // Those that are compared take turns by themselves: the more there are, the further apart they run.
    const off = (fields) => ({ name: 'off', fields, config: (upstream) => configOf(upstream) });
    const jwt = { jwt: { secrets: [SECRET] } };
    const keys = await compare(
      [off(keyFields(FEW)), declaredVariant('file', FEW), storedVariant('database', FEW)],
      settings,
    );
    const tokens = await compare(
      [
        off(bearer),
        { name: 'jwt', fields: bearer, config: (upstream) => configOf(upstream, { methods: ['jwt'] }, jwt) },
      ],
      settings,
    );
    const refusals = await compare(
      [
        off(keyFields(FEW)),
        { name: '401', status: 401, config: (upstream) => configOf(upstream, 'required', { apiKeys: {} }) },
      ],
      settings,
    );
    const inFile = await compare(
      [declaredVariant('10', FEW, MANY_IN_FILE), declaredVariant('60000', MANY_IN_FILE)],
      settings,
    );
    const inDatabase = await compare([storedVariant('10', FEW, MANY), storedVariant('100000', MANY)], settings);
    const large = await living(MANY);
    const startNote = `${round(large.megabytes, 0)} MB resident; all of them followed while running: ${round(large.all.took, 1)} s`;
    const changeNote = `requests waited for at most ${round(large.one.longest, 2)} s meanwhile`;
    return {
      measured: { keys, tokens, refusals, inFile, inDatabase, large },
      rows: [
        ratioRow('API key in the file ÷ off', keys, ['off', 'file'], 1.15),
        ratioRow('API key in the database ÷ off', keys, ['off', 'database'], 1.15),
        ratioRow('JWT, verified before ÷ off', tokens, ['off', 'jwt'], 1.15),
        ratioRow('a refusal, 401 ÷ off', refusals, ['off', '401'], 0.7),
        ratioRow('60,000 consumers and keys in the file ÷ 10', inFile, ['10', '60000'], 1.1),
        ratioRow('100,000 consumers and keys in the database ÷ 10', inDatabase, ['10', '100000'], 1.1),
        secondsRow('start with 100,000 consumers in the database', large.start, 15, startNote),
        secondsRow('one more beside 100,000 consumers', large.one.took, 5, changeNote),
      ],
    };
  },
};
