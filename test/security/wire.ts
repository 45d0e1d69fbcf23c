import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Answers, parseAnswers } from './answers.js';

/** A connection of an attacker: bytes go out as they are written here, one character a byte. */
export class Wire {
  received = '';
  /** The gateway has ended or reset it. */
  closed = false;
  private readonly socket: Socket;

  /** `leaves`: ends its side as well when the gateway has ended its own. */
  private constructor(port: number, leaves: boolean) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (bytes: Buffer) => (this.received += bytes.toString('latin1')));
    this.socket.on('end', () => {
      if (!leaves) return;
      this.closed = true;
      this.socket.end();
    });
    this.socket.on('close', () => (this.closed = true));
    // A reset is one of the ways to be refused.
    this.socket.on('error', () => undefined);
  }

  static async open(port: number): Promise<Wire> {
    return await new Wire(port, true).connected();
  }

  /** One that holds on to its connection until that is taken away. */
  static async openToStay(port: number): Promise<Wire> {
    return await new Wire(port, false).connected();
  }

  private async connected(): Promise<this> {
    await once(this.socket, 'connect');
    return this;
  }

  send(bytes: string): void {
    if (this.socket.writable) this.socket.write(bytes, 'latin1');
  }

  /** Sends the pieces, one at a time and over again from `from`, until the connection is closed. */
  async drip(pieces: readonly string[], every: number, from = 0): Promise<void> {
    let at = 0;
    const next = (): void => {
      this.send(pieces[at] ?? '');
      at = at + 1 < pieces.length ? at + 1 : from;
    };
    next();
    const timer = setInterval(next, every);
    await this.ended();
    clearInterval(timer);
  }

  answers(bodiless = 0): Answers {
    return parseAnswers(this.received, this.closed, bodiless);
  }

  /** Resolves when so many final answers are there, or the gateway has closed the connection. */
  async hears(count: number, bodiless = 0): Promise<Answers> {
    while (!this.closed && this.answers(bodiless).answers.length < count) await this.something();
    return this.answers(bodiless);
  }

  async receives(bytes: string): Promise<void> {
    while (!this.closed && !this.received.includes(bytes)) await this.something();
  }

  /** Reads nothing more: what comes has to wait on its way. */
  pause(): void {
    this.socket.pause();
  }

  /** What was heard so far is not heard again. */
  forget(): void {
    this.received = '';
  }

  private async something(): Promise<void> {
    const stop = new AbortController();
    const { signal } = stop;
    const quietly = (): undefined => undefined;
    await Promise.race([
      once(this.socket, 'data', { signal }).catch(quietly),
      once(this.socket, 'end', { signal }).catch(quietly),
      once(this.socket, 'close', { signal }).catch(quietly),
    ]);
    stop.abort();
  }

  /** Says that nothing more will come, and resolves when the gateway has closed too. */
  async finish(): Promise<void> {
    this.socket.end();
    await this.ended();
  }

  async ended(): Promise<void> {
    while (!this.closed) await this.something();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
