// Whether the time of a refusal tells anything about the key that was refused: guesses that are more and more like a good
// key, and keys that were good once, sent in random order on one connection and compared by Welch's t.
import { randomBytes, randomInt, createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, round } from '../statistics.mjs';
import { startAegis, withScratch } from './aegis.mjs';

const ADMIN_KEY = randomBytes(20).toString('hex');
const DECLARED = `aegis_${randomBytes(20).toString('hex')}`;
const HEX = '0123456789abcdef';
const AEGIS_CORE = 1;
/** What took longer than this part of all was disturbed by something else, and is left out. */
const KEPT = 0.9;
/** Of t, either way: chance alone passes it about once in 100,000 comparisons. */
const MUST = 4.5;
const WARM = 3000;

/** Shares exactly so many characters with `good`, from the first. */
function near(good, shared) {
  const other = [...HEX].filter((digit) => digit !== good[shared]);
  const rest = randomBytes(20).toString('hex');
  return (good.slice(0, shared) + other[randomInt(other.length)] + rest + rest).slice(0, good.length);
}

/** A requester on one connection; each call says how many microseconds an answer took, which must be a 401. */
async function connectTo(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let heard = '';
  let settle = { resolve: () => undefined, reject: () => undefined };
  socket.on('data', (chunk) => {
    heard += chunk.latin1Slice();
    const end = heard.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: *(\d+)/i.exec(heard)?.[1]);
    if (heard.length < end + 4 + length) return;
    const at = performance.now();
    const status = heard.slice(9, 12);
    heard = '';
    if (status === '401') settle.resolve(at);
    else settle.reject(new Error(`a wrong key was answered ${status}`));
  });
  socket.on('close', () => settle.reject(new Error('the connection was closed')));
  let sent = 0;
  return {
    async time(key) {
      // Guesses are limited by address: each comes from one of its own.
      const number = sent++;
      const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
      const text = `GET /shop HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: ${address}\r\nX-API-Key: ${key}\r\n\r\n`;
      const answered = new Promise((resolve, reject) => (settle = { resolve, reject }));
      const began = performance.now();
      socket.write(text);
      return ((await answered) - began) * 1000;
    },
    close() {
      socket.removeAllListeners('close');
      socket.destroy();
    },
  };
}

async function admin(port, method, path, body) {
  const response = await fetch(`http://127.0.0.1:${port}/api/admin/${path}`, {
    method,
    headers: { 'x-api-key': ADMIN_KEY, connection: 'close', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Keys of a consumer in the database: good, revoked and expired; each was used while it was good. */
async function storedKeys(port) {
  await admin(port, 'PUT', 'consumers/stored', {});
  const make = async (settings) => {
    const made = await admin(port, 'POST', 'consumers/stored/keys', settings);
    const used = await fetch(`http://127.0.0.1:${port}/shop`, {
      headers: { 'x-api-key': made.key, connection: 'close' },
    });
    await used.arrayBuffer();
    if (!used.ok) throw new Error(`a good key was answered ${used.status}`);
    return made;
  };
  const [good, revoked, expired] = [await make({}), await make({}), await make({ expiresIn: '1s' })];
  await admin(port, 'DELETE', `consumers/stored/keys/${revoked.id}`);
  await sleep(2500);
  return { good: good.key, revoked: revoked.key, expired: expired.key };
}

/** Families of groups; the first group of each is what the others are compared with. */
function familiesOf({ good, revoked, expired }) {
  const shares = (key) =>
    [0, Math.floor(key.length / 4), Math.floor(key.length / 2), key.length - 1].map((count) => ({
      name: `${count} characters`,
      key: () => near(key, count),
    }));
  return [
    { what: 'like a key in the file', groups: shares(DECLARED) },
    { what: 'like a key in the database', groups: shares(good) },
    {
      what: 'unknown, revoked, expired',
      groups: [
        { name: 'unknown', key: () => `aegis_${randomBytes(20).toString('hex')}` },
        { name: 'revoked', key: () => revoked },
        { name: 'expired', key: () => expired },
      ],
    },
  ];
}

function shuffled(list) {
  const mixed = [...list];
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = randomInt(i + 1);
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  return mixed;
}

function moments(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, variance, count: values.length };
}

function errorOf(a, b) {
  return Math.sqrt(a.variance / a.count + b.variance / b.count);
}

function welch(a, b) {
  return (a.mean - b.mean) / errorOf(a, b);
}

function rowOf({ what, groups }, limit) {
  const kept = groups.map(({ name, took }) => ({ name, ...moments(took.filter((value) => value <= limit)) }));
  const [base, ...others] = kept;
  const found = others.map((group) => ({ name: group.name, t: welch(group, base), by: group.mean - base.mean }));
  const worst = Math.max(...found.map(({ t }) => Math.abs(t)));
  const error = Math.max(...others.map((group) => errorOf(group, base)));
  const note = found.map(({ name, t, by }) => `${name} ${round(by, 2)} µs (t ${round(t, 2)})`).join(', ');
  return {
    what: `refusals of keys, ${what}: greatest t, either way`,
    value: round(worst, 2),
    unit: '',
    must: MUST,
    note:
      `slower than ${base.name} (${round(base.mean, 1)} µs, ${base.count} samples) by: ${note}; ` +
      `${round(MUST * error, 1)} µs would have shown`,
  };
}

export const timing = {
  about: 'Whether the time of a refusal tells anything about the key that was refused.',
  options: { samples: 10_000 },
  async run({ samples }) {
    return await withScratch(async (folder) => {
      const consumer = {
        name: 'declared',
        apiKeys: [{ hash: `sha256:${createHash('sha256').update(DECLARED).digest('hex')}` }],
      };
      const config = {
        gateway: {
          trustedProxies: ['127.0.0.1/32'],
          routes: [{ name: 'shop', path: '/shop', respond: { status: 200, body: 'ok' }, auth: 'required' }],
        },
        auth: { apiKeys: {}, consumers: [consumer] },
      };
      const aegis = await startAegis({ folder, config, core: AEGIS_CORE, env: { AEGIS_ADMIN_KEY: ADMIN_KEY } });
      try {
        const families = familiesOf(await storedKeys(aegis.port));
        const groups = families.flatMap((family) => family.groups);
        for (const group of groups) group.took = [];
        const caller = await connectTo(aegis.port);
        for (let i = 0; i < WARM; i += 1) await caller.time(groups[i % groups.length].key());
        for (let i = 0; i < samples; i += 1) {
          for (const group of shuffled(groups)) group.took.push(await caller.time(group.key()));
        }
        caller.close();
        const all = groups.flatMap(({ took }) => took).sort((a, b) => a - b);
        const limit = quantile(all, KEPT);
        return {
          measured: families.map(({ what, groups: of }) => ({
            what,
            groups: of.map(({ name, took }) => ({ name, ...moments(took.filter((value) => value <= limit)) })),
          })),
          rows: families.map((family) => rowOf(family, limit)),
        };
      } finally {
        await aegis.stop();
      }
    });
  },
};
