/**
 * Ten reloads a second for a minute, one in ten of them not valid, under 1,000 requests a second and 100 WebSockets:
 * `node test/chaos/reloads.mjs [seconds, default 60]`, after `npm run build`.
 */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { must, quantile, row } from './report.mjs';
import { hasFailed, Load, startGateway, TargetProcess } from './target-stage.mjs';

const seconds = Number(process.argv[2] ?? 60);
const PER_SECOND = 1000;
const BYTES = 200;
const SOCKETS = 100;
const EVERY_MS = 100;

const target = await TargetProcess.start('a', BYTES);
const config = (version) => ({
  gateway: {
    compression: false,
    upstreams: [{ name: 'api', targets: [target.url] }],
    routes: [
      { name: 'sockets', path: '/sockets', upstream: 'api' },
      { name: 'api', path: '/', upstream: 'api', response: { headers: { set: { 'x-version': String(version) } } } },
    ],
  },
  monitoring: { logs: { access: false } },
});
const stage = await startGateway(config(0));
const { gateway } = stage;

/** Sends a message a second and counts what comes back. */
class WebSocketClient {
  sent = 0;
  received = 0;
  closed = false;

  constructor() {
    this.socket = connect(gateway.port, '127.0.0.1');
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => (this.closed = true));
    this.open = new Promise((resolve, reject) => {
      let text = '';
      const read = (bytes) => {
        text += bytes.toString('latin1');
        if (!text.includes('\r\n\r\n')) return;
        this.socket.off('data', read);
        this.socket.on('data', (frames) => this.read(frames));
        if (text.startsWith('HTTP/1.1 101')) resolve();
        else reject(new Error(text));
      };
      this.socket.on('data', read);
    });
    this.socket.write(
      'GET /sockets HTTP/1.1\r\nHost: chaos\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  }

  bytes = 0;

  read(frames) {
    this.bytes += frames.length;
    this.received = this.bytes / 6;
  }

  send() {
    this.sent++;
    this.socket.write(Buffer.concat([Buffer.from([0x81, 0x84, 0, 0, 0, 0]), Buffer.from('ping')]));
  }
}

const sockets = Array.from({ length: SOCKETS }, () => new WebSocketClient());
await Promise.all(sockets.map(({ open }) => open));
const load = new Load(stage.url, PER_SECOND, BYTES);
await pause(2000);
const began = Date.now();
const reloads = { valid: 0, invalid: 0, wrong: 0 };
let slowest = 0;
for (let number = 1; number <= seconds * (1000 / EVERY_MS); number++) {
  const due = began + number * EVERY_MS;
  await pause(Math.max(0, due - Date.now()));
  const valid = number % 10 !== 0;
  if (number % 10 === 0) for (const socket of sockets) socket.send();
  writeFileSync(gateway.configFile, valid ? JSON.stringify(config(number)) : '{"gateway": {"routes": [{"path": 7}]}}');
  const asked = Date.now();
  const { status } = await fetch(`${stage.url}/_aegis/reload`, {
    method: 'POST',
    headers: { 'x-api-key': gateway.adminKey },
  });
  slowest = Math.max(slowest, Date.now() - asked);
  reloads[valid ? 'valid' : 'invalid']++;
  if ((status === 200) !== valid) reloads.wrong++;
}
const took = (Date.now() - began) / 1000;
await pause(1000);
const { results } = load;
await load.stop();
const during = results.filter(({ at }) => at >= began);
const failed = during.filter(hasFailed);
const versions = new Set(during.map(({ version }) => version));
const [p50, p99] = [0.5, 0.99].map((share) =>
  quantile(
    during.map(({ tookMs }) => tookMs),
    share,
  ),
);
console.log(
  `       ${during.length} requests in ${took.toFixed(0)} s, p50 ${p50} ms, p99 ${p99} ms; slowest reload ${slowest} ms`,
);
must(took <= seconds * 1.1, `${reloads.valid + reloads.invalid} reloads in ${took.toFixed(1)} s`);
must(reloads.wrong === 0, `${reloads.valid} valid files were served, ${reloads.invalid} invalid ones were refused`);
must(versions.size >= reloads.valid * 0.95, `${versions.size} versions answered`);
must(during.length >= took * PER_SECOND * 0.95, `${(during.length / took).toFixed(0)} requests a second`);
must(failed.length === 0, `no request failed (${failed.length}; ${JSON.stringify(failed[0] ?? null)})`);
const lost = sockets.filter(({ closed }) => closed).length;
must(lost === 0, `no WebSocket was closed (${lost} of ${SOCKETS})`);
const sent = sockets.reduce((sum, socket) => sum + socket.sent, 0);
const received = sockets.reduce((sum, socket) => sum + socket.received, 0);
must(sent === received, `${received} of ${sent} WebSocket messages came back`);
for (const { socket } of sockets) socket.destroy();
await stage.stop();
await target.kill();
row({
  what: `${reloads.valid + reloads.invalid} reloads in ${took.toFixed(0)} s, one in ten invalid, under 1,000 req/s and ${SOCKETS} WebSockets`,
  sent: during.length,
  failed: failed.length + lost + (sent - received),
  again: 0,
  allowed: 'nothing dropped',
});
