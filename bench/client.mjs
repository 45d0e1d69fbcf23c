// The clients: keep-alive connections over raw sockets, one request in flight on each.
// Every answer is read to its end and compared with what the upstream sent; anything else is counted as a failure.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { answer } from './answer.mjs';

const expected = Buffer.from(answer);
const HEAD_END = Buffer.from('\r\n\r\n');

/** @param {number} port @param {string} target @param {string} [field] a field of the head */
const request = (port, target, field) =>
  Buffer.from(
    `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: bench\r\n` +
      `Accept: application/json\r\nAccept-Language: en\r\n${field === undefined ? '' : `${field}\r\n`}\r\n`,
  );

/** A request for each target, or for each line of a file with a field on each, with the targets in turn. */
function requestsOf(port, targets, file) {
  if (file === undefined) return targets.map((target) => request(port, target));
  const fields = readFileSync(file, 'utf8').trim().split('\n');
  return fields.map((field, i) => request(port, targets[i % targets.length], field));
}

/** Requests in turn, from one job to the next: 100,000 are made once, and all of them are sent. */
const rounds = new Map();

function roundOf(port, targets, fields) {
  const name = JSON.stringify([port, targets, fields]);
  const known = rounds.get(name);
  if (known !== undefined) return known;
  const round = { requests: requestsOf(port, targets, fields), next: 0 };
  rounds.set(name, round);
  return round;
}

/** The bytes of a chunked body that is complete in `data` from `at`, or null while it is not. */
function dechunk(data, at) {
  const parts = [];
  for (;;) {
    const line = data.indexOf('\r\n', at, 'latin1');
    if (line === -1) return null;
    const size = Number.parseInt(data.toString('latin1', at, line), 16);
    const end = line + 2 + size + 2;
    if (!(size >= 0) || data.length < end) return null;
    if (size === 0) return { body: Buffer.concat(parts), end };
    parts.push(data.subarray(line + 2, end - 2));
    at = end;
  }
}

/** @returns {{status: number, body: Buffer, end: number} | null} the first whole answer in `data` */
function parse(data) {
  const headEnd = data.indexOf(HEAD_END);
  if (headEnd === -1) return null;
  const head = data.latin1Slice(0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyAt = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length !== null) {
    const end = bodyAt + Number(length[1]);
    return data.length < end ? null : { status, body: data.subarray(bodyAt, end), end };
  }
  const chunked = dechunk(data, bodyAt);
  return chunked === null ? null : { status, ...chunked };
}

/**
 * Runs the load, on each of the targets in turn, until `ms` have passed and the last answer is in; all must have `status`.
 * `fields`: a file with a field of the request on each line, in turn.
 */
export function run({
  port,
  connections,
  ms,
  latencies,
  targets = ['/shop/items/42?expand=stock'],
  fields,
  status = 200,
}) {
  const round = roundOf(port, targets, fields);
  const started = performance.now();
  const deadline = started + ms;
  const result = { requests: 0, failures: 0, statuses: {}, firstFailure: '', seconds: 0, latencies: [] };
  let open = connections;

  return new Promise((resolve) => {
    const closed = () => {
      open -= 1;
      if (open > 0) return;
      result.seconds = (performance.now() - started) / 1000;
      resolve(result);
    };
    const fail = (why) => {
      result.failures += 1;
      result.firstFailure ||= why;
    };
    const connect = () => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      let rest = null;
      let sentAt = 0;
      let waiting = false;
      const send = () => {
        waiting = true;
        if (latencies) sentAt = performance.now();
        socket.write(round.requests[round.next++ % round.requests.length]);
      };
      socket.on('connect', send);
      socket.on('error', (error) => fail(error.message));
      socket.on('close', () => {
        if (waiting) fail('the connection closed before the answer was complete');
        closed();
      });
      socket.on('data', (chunk) => {
        const data = rest === null ? chunk : Buffer.concat([rest, chunk]);
        const found = parse(data);
        if (found === null) {
          rest = data;
          return;
        }
        rest = null;
        waiting = false;
        const now = performance.now();
        if (latencies) result.latencies.push(now - sentAt);
        result.requests += 1;
        result.statuses[found.status] = (result.statuses[found.status] ?? 0) + 1;
        if (found.status !== status) fail(`status ${found.status}: ${found.body.toString()}`);
        else if (found.end !== data.length || (status === 200 && !found.body.equals(expected)))
          fail(`body: ${found.body.toString()}`);
        if (now < deadline && result.failures < 100) send();
        else socket.end();
      });
    };
    for (let i = 0; i < connections; i += 1) connect();
  });
}
