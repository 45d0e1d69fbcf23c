import { Child } from './child.js';
import { freePort, scratchFolder } from './scratch.js';

export interface RedisServerOptions {
  readonly password?: string;
  /** More arguments of redis-server, as `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[];
}

const READY = 'Ready to accept connections';
const PORT_TAKEN = 'Address already in use';
const TRIES = 5;

/** A real redis-server without persistence on a port of its own, from `REDIS_SERVER` or the PATH. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let left = TRIES; ; left--) {
    const port = await freePort();
    try {
      return new RedisServer(port, options, await launch(port, options));
    } catch (error) {
      // Another test was quicker with that port.
      if (left === 1 || !String(error).includes(PORT_TAKEN)) throw error;
    }
  }
}

export class RedisServer {
  readonly url: string;

  constructor(
    readonly port: number,
    private readonly options: RedisServerOptions,
    private child: Child,
  ) {
    const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
    this.url = `redis://${login}127.0.0.1:${port}`;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** It hangs: connections stay open and nothing is answered. */
  pause(): void {
    this.child.signal('SIGSTOP');
  }

  resume(): void {
    this.child.signal('SIGCONT');
  }

  /** As when the machine fails: at once, and what it held is lost. */
  async kill(): Promise<void> {
    await this.child.end('SIGKILL');
  }

  /** Back, empty, at the same address. */
  async restart(): Promise<void> {
    await this.kill();
    this.child = await launch(this.port, this.options);
  }

  async stop(): Promise<void> {
    await this.kill();
  }
}

async function launch(port: number, { password, args = [] }: RedisServerOptions): Promise<Child> {
  const folder = scratchFolder('redis');
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const login = password === undefined ? [] : ['--requirepass', password];
  const program = process.env['REDIS_SERVER'] ?? 'redis-server';
  const child = new Child(program, [...settings, ...login, ...args], process.env, folder);
  await child.saysOnStdout(READY);
  return child;
}
