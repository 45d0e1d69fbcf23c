import { Http1Pool, type Origin } from '../http1/pool.js';
import { type ResponseHandler, type Sending, type TargetPool, type Timeouts, type Use } from '../target-pool.js';
import { Http2Call } from './call.js';
import { type SessionOwner, TargetSession } from './session.js';

const SWEEP = 1000;
/** Shorter than what is usual between here and a target; one that goes first says so (GOAWAY), and nothing is lost. */
const KEEP_ALIVE = 55_000;
const MAX_MOVES = 3;

/** The HTTP/2 connections to one target: one while it has room, more when it has not. */
export class Http2Pool implements TargetPool, SessionOwner {
  private readonly sessions = new Set<TargetSession>();
  private upgrades: Http1Pool | null = null;
  private readonly sweeper: NodeJS.Timeout;
  private closing = false;

  constructor(
    private readonly origin: Origin,
    private readonly timeouts: Timeouts,
  ) {
    this.sweeper = setInterval(() => this.sweep(performance.now()), SWEEP).unref();
  }

  get connections(): number {
    return this.sessions.size + (this.upgrades?.connections ?? 0);
  }

  request(method: string, head: string, hasBody: boolean, handler: ResponseHandler, use: Use = 'kept'): Sending {
    // WebSocket over HTTP/2 is a protocol of its own (RFC 8441) that few targets speak.
    if (use === 'upgrade') {
      this.upgrades ??= new Http1Pool(this.origin, this.timeouts);
      return this.upgrades.request(method, head, hasBody, handler, use);
    }
    const call = new Http2Call(method, head, hasBody, handler, this.timeouts);
    this.place(call);
    return call;
  }

  place(call: Http2Call): void {
    if (++call.moves > MAX_MOVES) {
      call.fail('refused', 'the target takes no requests');
      return;
    }
    for (const session of this.sessions) {
      if (session.hasRoom) {
        session.take(call);
        return;
      }
    }
    const session = new TargetSession(this, this.origin, this.timeouts);
    this.sessions.add(session);
    session.take(call);
  }

  closed(session: TargetSession): void {
    this.sessions.delete(session);
  }

  private sweep(now: number): void {
    for (const session of this.sessions) {
      if (session.calls === 0 && (this.closing || now - session.idleSince > KEEP_ALIVE)) session.close();
    }
    if (this.closing && this.sessions.size === 0) clearInterval(this.sweeper);
  }

  close(): void {
    this.closing = true;
    this.upgrades?.close();
    this.sweep(performance.now());
  }
}
