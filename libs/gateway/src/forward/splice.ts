import { type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { type Exchange, type Upgrade } from '#kernel';

/**
 * Joins two sockets after an upgrade: bytes pass both ways with back-pressure, half-closes and deaths are handed on. What
 * is said in between (frames, compression, pings) is between client and upstream.
 */
export function splice(
  exchange: Exchange,
  upgrade: Upgrade,
  upstream: Socket,
  fromUpstream: Buffer,
  head: string,
): void {
  const client = upgrade.socket;
  client.write(head, 'latin1');
  pass(upstream, client, fromUpstream, (bytes) => (exchange.bytesOut += bytes));
  pass(client, upstream, upgrade.first, (bytes) => (exchange.bytesIn += bytes));
  client.resume();
  upstream.resume();
}

function pass(from: Duplex, to: Duplex, first: Buffer, count: (bytes: number) => void): void {
  const hand = (bytes: Buffer): void => {
    count(bytes.length);
    if (!to.write(bytes)) from.pause();
  };
  if (first.length > 0) hand(first);
  from.on('data', hand);
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}
