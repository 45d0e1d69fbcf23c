import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Origin } from '../http1/pool.js';
import { type FailureKind } from '../http1/upstream-failure.js';
import { type Timeouts } from '../target-pool.js';
import { type CallSession, type Http2Call } from './call.js';

/** On one connection, whatever the target allows; and before it has said what it allows. */
const MAX_CALLS = 1000;
const FIRST_CALLS = 100;
/** Of a response's body, before the client has taken it. */
const WINDOW = 262_144;
const CONNECTION_WINDOW = 16_777_216;
const MAX_HEAD = 65_536;
/** A connection that was silent for so long is asked whether it still stands when it is used again. */
const SILENCE = 10_000;
const LONGEST_PING = 5000;

export interface SessionOwner {
  /** There is no room for it after all. */
  place(call: Http2Call): void;
  closed(session: TargetSession): void;
}

/**
 * One HTTP/2 connection to a target. Requests wait until the target has sent its SETTINGS: before that nobody knows
 * whether it speaks HTTP/2 at all, and how many requests it takes at a time; so what fails by then was never sent.
 */
export class TargetSession implements CallSession {
  readonly secure: boolean;
  ended = false;
  lost: string | null = null;
  used = false;
  lastTaken = Infinity;
  /** Requests that wait or are under way. */
  calls = 0;
  idleSince = performance.now();
  private lastHeard = performance.now();
  private pinging = false;
  private ready = false;
  private waiting: Http2Call[] = [];
  private readonly socket: Socket;
  private readonly session: ClientHttp2Session;
  private readonly connectTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly owner: SessionOwner,
    origin: Origin,
    private readonly timeouts: Timeouts,
  ) {
    this.secure = origin.tls !== null;
    const socket = this.openSocket(origin);
    this.socket = socket;
    this.session = connect(`${this.secure ? 'https' : 'http'}://target.invalid`, {
      createConnection: () => socket,
      maxHeaderListPairs: MAX_HEAD / 32,
      maxSessionMemory: 64,
      settings: { enablePush: false, initialWindowSize: WINDOW, maxHeaderListSize: MAX_HEAD },
    });
    if (timeouts.connect !== Infinity) {
      this.connectTimer = setTimeout(() => {
        // What has arrived by now is read first.
        setImmediate(() => {
          if (!this.ready) this.giveUp('connect-timeout', `no HTTP/2 connection within ${timeouts.connect} ms`);
        });
      }, timeouts.connect);
    }
    this.session.once('remoteSettings', () => this.begin());
    this.session.on('goaway', (_code: number, lastStream: number) => {
      this.ended = true;
      this.lastTaken = Math.min(this.lastTaken, lastStream);
    });
    this.session.on('error', (error: Error) => this.gone(error.message));
    this.session.on('close', () => this.gone('the connection was closed'));
  }

  private openSocket({ host, port, tls }: Origin): Socket {
    if (tls === null) return connectSocket({ host, port, noDelay: true, keepAlive: true });
    const socket: TLSSocket = connectTls({ host, port, ...tls, ALPNProtocols: ['h2'] });
    socket.setNoDelay(true);
    socket.setKeepAlive(true);
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol !== 'h2') this.giveUp('version', 'the target did not choose HTTP/2 in the TLS handshake');
    });
    return socket;
  }

  get isGone(): boolean {
    return this.session.destroyed || this.socket.destroyed;
  }

  /** Whether one more request has a place. */
  get hasRoom(): boolean {
    return !this.ended && !this.session.closed && !this.session.destroyed && this.calls < this.room;
  }

  private get room(): number {
    return this.ready
      ? Math.min(this.session.remoteSettings.maxConcurrentStreams ?? MAX_CALLS, MAX_CALLS)
      : FIRST_CALLS;
  }

  take(call: Http2Call): void {
    this.calls++;
    if (!this.ready) {
      this.waiting.push(call);
      return;
    }
    this.askWhetherItStands();
    call.begin(this, this.calls === 1);
  }

  open(fields: OutgoingHttpHeaders, options: ClientSessionRequestOptions): ClientHttp2Stream {
    return this.session.request(fields, options);
  }

  released(): void {
    this.used = true;
    if (--this.calls === 0) this.idleSince = performance.now();
  }

  heard(): void {
    this.lastHeard = performance.now();
  }

  private begin(): void {
    clearTimeout(this.connectTimer);
    this.ready = true;
    this.heard();
    this.session.setLocalWindowSize(CONNECTION_WINDOW);
    const { room, waiting } = this;
    this.waiting = [];
    this.calls = 0;
    // A target that takes none at all has its connection closed, or they would pile up.
    if (room === 0) this.close();
    for (const call of waiting) {
      if (call.isOver) continue;
      if (this.calls < room) {
        this.calls++;
        call.begin(this, this.calls === 1);
      } else this.owner.place(call);
    }
  }

  private askWhetherItStands(): void {
    const before = performance.now();
    if (this.pinging || before - this.lastHeard < SILENCE) return;
    this.pinging = true;
    const limit = setTimeout(
      () => {
        setImmediate(() => {
          if (this.lastHeard < before) this.giveUp('stale', 'the connection no longer answers');
        });
      },
      Math.min(this.timeouts.connect, LONGEST_PING),
    );
    this.session.ping(() => {
      clearTimeout(limit);
      this.pinging = false;
      this.heard();
    });
  }

  private giveUp(kind: FailureKind, message: string): void {
    this.lost ??= message;
    this.failWaiting(kind);
    this.session.destroy();
  }

  private gone(message: string): void {
    this.lost ??= message;
    clearTimeout(this.connectTimer);
    this.ended = true;
    this.owner.closed(this);
    this.failWaiting(/^connect|^getaddrinfo|certificate/.test(message) ? 'connect' : 'version');
  }

  private failWaiting(kind: FailureKind): void {
    const { waiting } = this;
    this.waiting = [];
    for (const call of waiting) call.fail(kind, this.lost ?? '');
  }

  /** Requests under way finish. */
  close(): void {
    this.ended = true;
    this.session.close();
  }
}
