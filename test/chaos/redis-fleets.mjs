import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Child, freePort, scratchFolder } from '#testing';

const SETTINGS = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];

/** A redis-server of its own folder; sentinels and cluster nodes write into theirs. */
async function launch(port, args, config) {
  const folder = scratchFolder('redis');
  const settings = config === undefined ? SETTINGS : [];
  if (config !== undefined) writeFileSync(join(folder, 'redis.conf'), config);
  const first = config === undefined ? [] : [join(folder, 'redis.conf')];
  const program = process.env.REDIS_SERVER ?? 'redis-server';
  const child = new Child(
    program,
    [...first, '--port', String(port), '--dir', folder, ...settings, ...args],
    process.env,
    folder,
  );
  const client = new Redis(port, { maxRetriesPerRequest: null, disconnectTimeout: 1 });
  client.on('error', () => undefined);
  await until(async () => (await client.ping()) === 'PONG');
  return {
    port,
    client,
    kill: () => child.end('SIGKILL'),
    async stop() {
      client.disconnect();
      await child.end('SIGKILL');
    },
  };
}

export async function until(holds, within = 30_000) {
  const end = performance.now() + within;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${within} ms: ${holds}`);
    await pause(20);
  }
}

/** A master with two replicas, watched by three sentinels. */
export async function startSentinels(master = 'aegis') {
  const servers = [];
  for (let index = 0; index < 3; index++) servers.push(await launch(await freePort(), []));
  const [first, ...replicas] = servers;
  for (const replica of replicas) await replica.client.replicaof('127.0.0.1', first.port);
  await until(async () => /connected_slaves:2/.test(await first.client.info('replication')));
  const sentinels = [];
  for (let index = 0; index < 3; index++) {
    const config = [
      'bind 127.0.0.1',
      `sentinel monitor ${master} 127.0.0.1 ${first.port} 2`,
      `sentinel down-after-milliseconds ${master} 1000`,
      `sentinel failover-timeout ${master} 5000`,
    ].join('\n');
    sentinels.push(await launch(await freePort(), ['--sentinel'], config));
  }
  const ask = async () => Number((await sentinels[0].client.sentinel('get-master-addr-by-name', master))[1]);
  const knows = async (sentinel) => {
    const fields = await sentinel.client.sentinel('master', master);
    const value = (name) => Number(fields[fields.indexOf(name) + 1]);
    return value('num-other-sentinels') === 2 && value('num-slaves') === 2;
  };
  for (const sentinel of sentinels) await until(() => knows(sentinel));
  return {
    config: { sentinels: sentinels.map(({ port }) => `127.0.0.1:${port}`), master },
    /** Kills the master; resolves when another one takes writes. */
    async failOver() {
      const port = await ask();
      await servers.find((server) => server.port === port).kill();
      await until(async () => (await ask()) !== port);
      const next = await ask();
      const { client } = servers.find((server) => server.port === next);
      await until(async () => /role:master/.test(await client.info('replication')));
    },
    stop: () => Promise.all([...servers, ...sentinels].map((server) => server.stop())),
  };
}

const SLOTS = 16_384;

/** Three masters, each with a replica. */
export async function startCluster() {
  const nodes = [];
  for (let index = 0; index < 6; index++) {
    const args = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      '1000',
      '--cluster-require-full-coverage',
      'no',
    ];
    nodes.push(await launch(await freePort(), args));
  }
  const [first, ...others] = nodes;
  for (const { port } of others) await first.client.cluster('MEET', '127.0.0.1', port);
  const masters = nodes.slice(0, 3);
  for (const [index, { client }] of masters.entries()) {
    const from = Math.floor((index * SLOTS) / 3);
    const to = Math.floor(((index + 1) * SLOTS) / 3) - 1;
    await client.cluster('ADDSLOTSRANGE', from, to);
  }
  for (const node of nodes) node.id = await node.client.cluster('MYID');
  for (const [index, { client }] of nodes.slice(3).entries()) {
    await until(async () => (await client.cluster('NODES')).includes(masters[index].id));
    await until(async () => (await client.cluster('REPLICATE', masters[index].id)) === 'OK');
  }
  for (const { client } of nodes) {
    await until(async () => {
      const info = await client.cluster('INFO');
      return /cluster_state:ok/.test(info) && /cluster_known_nodes:6/.test(info);
    });
  }
  for (const { client } of masters)
    await until(async () => /connected_slaves:1/.test(await client.info('replication')));
  const ownerOf = async (slot, client = first.client) => {
    for (const [from, to, [, port]] of await client.cluster('SLOTS')) {
      if (slot >= from && slot <= to) return nodes.find((node) => node.port === port);
    }
    return undefined;
  };
  return {
    config: { cluster: nodes.map(({ port }) => `127.0.0.1:${port}`) },
    async slotOf(key) {
      return await first.client.cluster('KEYSLOT', key);
    },
    /** Moves a slot with its keys to the next master, as `redis-cli --cluster reshard` does. */
    async move(slot) {
      const source = await ownerOf(slot);
      const target = masters[(masters.indexOf(source) + 1) % masters.length];
      await target.client.cluster('SETSLOT', slot, 'IMPORTING', source.id);
      await source.client.cluster('SETSLOT', slot, 'MIGRATING', target.id);
      await pause(300);
      for (;;) {
        const keys = await source.client.cluster('GETKEYSINSLOT', slot, 100);
        if (keys.length === 0) break;
        for (const key of keys) await source.client.call('MIGRATE', '127.0.0.1', target.port, key, 0, 1000);
      }
      await pause(300);
      for (const { client } of [target, source, ...masters]) await client.cluster('SETSLOT', slot, 'NODE', target.id);
    },
    /** Kills the master of a slot; resolves when its replica has taken over. */
    async failOver(slot) {
      const owner = await ownerOf(slot);
      const witness = masters.find((node) => node !== owner).client;
      await owner.kill();
      await until(async () => (await ownerOf(slot, witness)) !== owner);
      await until(async () => /cluster_state:ok/.test(await witness.cluster('INFO')));
    },
    stop: () => Promise.all(nodes.map((node) => node.stop())),
  };
}
