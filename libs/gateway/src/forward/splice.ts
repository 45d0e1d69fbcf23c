import { randomBytes } from 'node:crypto';
import { type Socket } from 'node:net';
import { type Duplex } from 'node:stream';
import { type Exchange, type Upgrade } from '#kernel';
import { ALL, Frames, GOODBYE, MESSAGE, type Until } from './websocket/frames.js';

/** How long a side that is to read the last that was written may take for it. */
const LAST_WORDS = 10_000;
/** How long a client may take to answer our goodbye before its upstream gets one as well. */
const COURTESY = 1000;

/** A close frame: going away (RFC 6455, 7.4.1). Clients mask theirs, servers do not. */
const AWAY_TO_CLIENT = Buffer.from([0x88, 0x02, 1001 >> 8, 1001 & 0xff]);

function awayToUpstream(): Buffer {
  const key = randomBytes(4);
  return Buffer.concat([
    Buffer.from([0x88, 0x82]),
    key,
    Buffer.from([(1001 >> 8) ^ (key[0] ?? 0), (1001 & 0xff) ^ (key[1] ?? 0)]),
  ]);
}

/**
 * Joins two sockets after an upgrade: bytes pass both ways with back-pressure, half-closes and deaths are handed on. What
 * is said in between (frames, compression, pings) is between client and upstream; only when the gateway leaves does it say
 * goodbye itself, between two messages.
 */
export function splice(
  exchange: Exchange,
  upgrade: Upgrade,
  upstream: Socket,
  fromUpstream: Buffer,
  head: string,
): void {
  upgrade.socket.write(head, 'latin1');
  new Joint(exchange, upgrade, upstream, fromUpstream);
}

class Joint {
  private readonly client: Duplex;
  private readonly down: Way;
  private readonly up: Way;
  private leaving = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, upgrade: Upgrade, upstream: Socket, fromUpstream: Buffer) {
    const client = upgrade.socket;
    this.client = client;
    this.down = new Way(upstream, client, (bytes) => (exchange.bytesOut += bytes));
    this.up = new Way(client, upstream, (bytes) => (exchange.bytesIn += bytes));
    upgrade.goAway = () => this.goAway();
    upstream.on('close', () => this.gone(upstream, client));
    client.on('close', () => this.gone(client, upstream));
    this.down.start(fromUpstream);
    this.up.start(upgrade.first);
  }

  /**
   * The client is told when the message on its way to it is whole; what it still says goes to the upstream, until it has
   * answered the goodbye or had the time to. Then the upstream is told, and the sockets are closed by those whose part it is.
   */
  private goAway(): void {
    if (this.leaving) return;
    this.leaving = true;
    // They are parting anyway.
    if (this.up.over || this.down.over) return;
    this.down.finish(MESSAGE, AWAY_TO_CLIENT, () => {
      this.up.finish(GOODBYE, awayToUpstream(), () => this.client.end());
      this.timer = setTimeout(() => this.up.hurry(), COURTESY);
    });
  }

  private gone(from: Duplex, to: Duplex): void {
    clearTimeout(this.timer);
    if (to.destroyed) return;
    // Who broke off said nothing more; who ended may have said something that is still on its way.
    if (!this.leaving && !from.readableEnded) {
      to.destroy();
      return;
    }
    to.end();
    this.timer = setTimeout(() => to.destroy(), LAST_WORDS);
  }
}

/** One direction. */
class Way {
  private readonly frames = new Frames();
  private until: Until = ALL;
  private last: Buffer | null = null;
  private done: (() => void) | null = null;

  constructor(
    private readonly from: Duplex,
    private readonly to: Duplex,
    private readonly count: (bytes: number) => void,
  ) {}

  get over(): boolean {
    return this.frames.over;
  }

  start(first: Buffer): void {
    const { from, to } = this;
    if (first.length > 0) this.hand(first);
    from.on('data', (bytes: Buffer) => this.hand(bytes));
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', () => undefined);
    from.resume();
  }

  private hand(bytes: Buffer): void {
    const { frames, until } = this;
    this.count(bytes.length);
    if (until === ALL) {
      frames.read(bytes, ALL);
      this.write(bytes);
      return;
    }
    // What comes after the last word is read, so that its sender can end, and dropped.
    if (this.last === null) return;
    const read = frames.read(bytes, until);
    if (read > 0) this.write(bytes.subarray(0, read));
    if (read < bytes.length || (until === MESSAGE && frames.between)) this.conclude();
  }

  private write(bytes: Buffer): void {
    if (this.to.writable && !this.to.write(bytes)) this.from.pause();
  }

  /** Says `last` once what `until` waits for is there, and nothing after it. */
  finish(until: typeof MESSAGE | typeof GOODBYE, last: Buffer, done: () => void): void {
    this.until = until;
    this.last = last;
    this.done = done;
    if (until === MESSAGE && this.frames.between) this.conclude();
  }

  /** Goodbye after the message under way, whatever else was to come. */
  hurry(): void {
    if (this.last === null) return;
    this.until = MESSAGE;
    if (this.frames.between) this.conclude();
  }

  private conclude(): void {
    const { last, to } = this;
    if (last === null) return;
    this.last = null;
    if (to.writable) to.write(last);
    this.done?.();
  }
}
