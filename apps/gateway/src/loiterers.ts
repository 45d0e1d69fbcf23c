import { type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/**
 * Ends connections that have been answered and ask nothing more, and that Node does not take for idle: its timer stops at
 * the first byte after an answer, also at an empty line, or at the rest of a body that nobody waits for.
 */
export class Loiterers {
  private readonly open = new Set<Socket>();
  /** When an answer was first seen to be over. */
  private readonly since = new WeakMap<ServerResponse, number>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    server: Server,
    secure: boolean,
    /** The answer to the latest request of a connection. */
    private readonly latest: (socket: Socket) => ServerResponse | undefined,
    /** For how long a connection may be like that, and how often to look, in milliseconds. */
    private readonly patience: number,
    every: number,
  ) {
    server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
    this.timer = setInterval(() => this.look(performance.now()), every).unref();
  }

  private look(now: number): void {
    for (const socket of this.open) {
      const answer = this.latest(socket);
      if (answer?.writableFinished !== true) continue;
      const since = this.since.get(answer);
      if (since === undefined) this.since.set(answer, now);
      else if (now - since > this.patience) socket.destroy();
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
