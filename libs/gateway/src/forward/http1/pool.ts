import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type ConnectionOwner, Http1Connection, type ResponseHandler, type Timeouts } from './connection.js';

export interface Origin {
  readonly host: string;
  readonly port: number;
  readonly tls: ConnectionOptions | null;
}

const SWEEP = 1000;

/** The kept connections to one target. The one used last is used next, so that a lull lets the others go. */
export class Http1Pool implements ConnectionOwner {
  private readonly idle: Http1Connection[] = [];
  private readonly all = new Set<Http1Connection>();
  private readonly sweeper: NodeJS.Timeout;
  private closing = false;

  constructor(
    private readonly origin: Origin,
    private readonly timeouts: Timeouts,
  ) {
    this.sweeper = setInterval(() => this.sweep(), SWEEP).unref();
  }

  get connections(): number {
    return this.all.size;
  }

  /** `fresh`: not on a kept connection. */
  request(method: string, head: string, hasBody: boolean, handler: ResponseHandler, fresh = false): Http1Connection {
    let connection = fresh ? undefined : this.idle.pop();
    while (connection !== undefined && !connection.usable) connection = this.idle.pop();
    connection ??= this.open();
    connection.request(method, head, hasBody, handler);
    return connection;
  }

  private open(): Http1Connection {
    const { host, port, tls } = this.origin;
    const socket: Socket = tls === null ? connect({ host, port, noDelay: true }) : connectTls({ host, port, ...tls });
    if (tls !== null) socket.setNoDelay(true);
    const connection = new Http1Connection(this, socket, this.timeouts, tls === null ? 'connect' : 'secureConnect');
    this.all.add(connection);
    return connection;
  }

  released(connection: Http1Connection): void {
    if (this.closing) connection.close();
    else this.idle.push(connection);
  }

  closed(connection: Http1Connection): void {
    this.all.delete(connection);
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
  }

  private sweep(): void {
    const now = performance.now();
    for (const connection of [...this.idle]) if (connection.idleUntil <= now) connection.close();
  }

  /** Kept connections go at once, busy ones when their exchange is over. */
  close(): void {
    this.closing = true;
    clearInterval(this.sweeper);
    for (const connection of [...this.idle]) connection.close();
  }
}
