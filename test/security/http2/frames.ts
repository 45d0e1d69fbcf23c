import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';

export const HEADERS = 1;
export const RST_STREAM = 3;
const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const CONTINUATION = 9;
export const DATA = 0;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export type Fields = readonly (readonly [string, string])[];

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK without any of its arts: every field is a literal. */
export function block(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** A connection of an attacker who writes frames by hand. */
export class FrameWire {
  readonly frames: Frame[] = [];
  closed = false;
  private rest = Buffer.alloc(0);

  private constructor(private readonly socket: TLSSocket) {
    socket.on('data', (bytes: Buffer) => this.received(bytes));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => (this.closed = true));
  }

  /** `silent`: not even the preface is sent. */
  static async open(port: number, silent = false): Promise<FrameWire> {
    const socket = connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false });
    const wire = new FrameWire(socket);
    await once(socket, 'secureConnect');
    if (!silent) wire.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0));
    return wire;
  }

  send(...frames: readonly Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames));
  }

  private received(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    while (this.rest.length >= 9) {
      const end = 9 + this.rest.readUIntBE(0, 3);
      if (this.rest.length < end) return;
      this.frames.push({
        type: this.rest[3] ?? 0,
        stream: this.rest.readUInt32BE(5),
        payload: this.rest.subarray(9, end),
      });
      this.rest = this.rest.subarray(end);
    }
  }

  /** Resolves with the first frame of the stream, or of the connection's end; null: it was closed without one. */
  async fateOf(stream: number): Promise<Frame | null> {
    for (;;) {
      const fate = this.frames.find(
        (each) => each.type === GOAWAY || (each.stream === stream && [HEADERS, RST_STREAM].includes(each.type)),
      );
      if (fate !== undefined) return fate;
      if (this.closed) return null;
      await this.something();
    }
  }

  async ended(): Promise<void> {
    while (!this.closed) await this.something();
  }

  private async something(): Promise<void> {
    const stop = new AbortController();
    const waits = ['data', 'close'].map(async (event) => {
      await once(this.socket, event, { signal: stop.signal }).catch(() => undefined);
    });
    await Promise.race(waits);
    stop.abort();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Of an answer whose status is one of those that HPACK has a number for. */
export function statusOf({ payload }: Frame): number {
  return { 0x88: 200, 0x8c: 400, 0x8d: 404 }[payload[0] ?? 0] ?? 0;
}
