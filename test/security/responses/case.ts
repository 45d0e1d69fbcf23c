import { type Socket } from 'node:net';

/**
 * What an upstream sends on a connection that stays open, or does with it, and what the client may see of it:
 * a status with which the gateway answers in its stead; `cut`: no whole answer, and a closed connection; or the body of
 * an answer that is whole.
 */
export type Case = readonly [
  name: string,
  sends: string | ((socket: Socket) => void),
  client:
    | 502
    | 504
    | 'cut'
    | {
        readonly status?: number;
        readonly body: string;
        readonly has?: readonly string[];
        readonly lacks?: readonly string[];
      },
  method?: 'HEAD',
];

/** The answer to a request of somebody else, if it were ever taken for one. */
export const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';

export function ok(...fields: readonly string[]): string {
  return `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
}

/** The bytes, then the end of the connection. */
export function thenEnd(bytes: string): (socket: Socket) => void {
  return (socket) => socket.end(bytes, 'latin1');
}

/** The bytes, then a reset. */
export function thenReset(bytes: string): (socket: Socket) => void {
  return (socket) => void socket.write(bytes, 'latin1', () => socket.resetAndDestroy());
}

/** The bytes one by one, each as an event of its own. */
export function slowly(bytes: string): (socket: Socket) => void {
  return (socket) => {
    const next = (at: number): void => {
      if (at < bytes.length) socket.write(bytes[at]!, 'latin1', () => setImmediate(next, at + 1));
    };
    next(0);
  };
}
