import { type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/** In milliseconds. */
export interface Patience {
  /** With a connection that says nothing after an answer. */
  readonly idle: number;
  /** How much longer with one that has begun to say something. */
  readonly head: number;
}

interface Rest {
  readonly since: number;
  readonly bytesRead: number;
}

/**
 * Ends connections that have been answered and ask nothing more. Node would set a timer after each answer for that, and
 * stop it at the first byte that comes, also at an empty line, or at the rest of a body that nobody waits for.
 */
export class Loiterers {
  private readonly open = new Set<Socket>();
  /** From when an answer was first seen to be over. */
  private readonly rests = new WeakMap<ServerResponse, Rest>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    server: Server,
    secure: boolean,
    /** The answer to the latest request of a connection. */
    private readonly latest: (socket: Socket) => ServerResponse | undefined,
    private readonly patience: Patience,
    /** How often to look, in milliseconds. */
    every: number,
  ) {
    server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
    // A request that came while this process was held up is read first.
    this.timer = setInterval(() => setImmediate(() => this.look(performance.now())), every).unref();
  }

  private look(now: number): void {
    for (const socket of this.open) {
      const answer = this.latest(socket);
      if (answer?.writableFinished !== true) continue;
      const rest = this.rests.get(answer);
      if (rest === undefined) {
        this.rests.set(answer, { since: now, bytesRead: socket.bytesRead });
        continue;
      }
      const { idle, head } = this.patience;
      const silent = socket.bytesRead === rest.bytesRead;
      if (now - rest.since > (silent ? idle : idle + head)) socket.destroy();
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
