import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type ResponseHandler, type TargetPool, type Timeouts, type Use } from '../target-pool.js';
import { type ConnectionOwner, Http1Connection } from './connection.js';

export interface Origin {
  readonly host: string;
  readonly port: number;
  readonly tls: ConnectionOptions | null;
}

const SWEEP = 1000;
/** Where all sockets read to: what arrives is looked at before the next read. */
const ARRIVALS = Buffer.allocUnsafeSlow(65_536);

/** The kept connections to one target. The one used last is used next, so that a lull lets the others go. */
export class Http1Pool implements TargetPool, ConnectionOwner {
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

  request(
    method: string,
    head: string,
    hasBody: boolean,
    handler: ResponseHandler,
    use: Use = 'kept',
  ): Http1Connection {
    let connection = use === 'kept' ? this.idle.pop() : undefined;
    while (connection !== undefined && !connection.usable) connection = this.idle.pop();
    connection ??= this.open(use !== 'upgrade');
    connection.request(method, head, hasBody, handler);
    return connection;
  }

  /** A connection that will be given away reads as streams do; all others read into one buffer, without an allocation. */
  private open(toKeep: boolean): Http1Connection {
    const { host, port, tls } = this.origin;
    if (tls !== null) {
      const socket = connectTls({ host, port, ...tls });
      socket.setNoDelay(true);
      return this.reading(new Http1Connection(this, socket, this.timeouts, 'secureConnect'), socket);
    }
    if (!toKeep) {
      const socket = connect({ host, port, noDelay: true });
      return this.reading(new Http1Connection(this, socket, this.timeouts, 'connect'), socket);
    }
    const onread = { buffer: ARRIVALS, callback: (count: number): boolean => received(count) };
    const connection = new Http1Connection(
      this,
      connect({ host, port, noDelay: true, onread }),
      this.timeouts,
      'connect',
    );
    const received = (count: number): boolean => {
      connection.received(ARRIVALS.subarray(0, count));
      return true;
    };
    this.all.add(connection);
    return connection;
  }

  private reading(connection: Http1Connection, socket: Socket): Http1Connection {
    socket.on('data', (bytes: Buffer) => connection.received(bytes));
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

  close(): void {
    this.closing = true;
    clearInterval(this.sweeper);
    for (const connection of [...this.idle]) connection.close();
  }
}
