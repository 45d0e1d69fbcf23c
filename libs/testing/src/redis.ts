import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.js';
import { freePort, scratchFolder } from './scratch.js';

export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  readonly password?: string;
  /** Makes it a sentinel, alone and so its own quorum, that watches this master. */
  readonly sentinelOf?: { readonly name: string; readonly port: number };
  /** More arguments of redis-server, as `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[];
}

const READY = 'Ready to accept connections';
const WATCHING = '+monitor master';
const PORT_TAKEN = 'Address already in use';
const TRIES = 5;

/** A real redis-server without persistence on a port of its own, from `REDIS_SERVER` or the PATH. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let left = TRIES; ; left--) {
    const port = options.port ?? (await freePort());
    try {
      return new RedisServer(port, options, await launch(port, options));
    } catch (error) {
      // Another test was quicker with that port.
      if (left === 1 || options.port !== undefined || !String(error).includes(PORT_TAKEN)) throw error;
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

async function launch(port: number, options: RedisServerOptions): Promise<Child> {
  const folder = scratchFolder('redis');
  const program = process.env['REDIS_SERVER'] ?? 'redis-server';
  const child = new Child(program, argumentsFor(port, folder, options), process.env, folder);
  await child.saysOnStdout(options.sentinelOf ? WATCHING : READY);
  return child;
}

function argumentsFor(port: number, folder: string, { password, sentinelOf, args = [] }: RedisServerOptions): string[] {
  const common = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...args];
  if (sentinelOf) {
    // A sentinel writes down what it learns, and refuses to start without a file for that.
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `sentinel monitor ${sentinelOf.name} 127.0.0.1 ${sentinelOf.port} 1\n`);
    return [file, '--sentinel', ...common];
  }
  const login = password === undefined ? [] : ['--requirepass', password];
  return ['--save', '', '--appendonly', 'no', ...login, ...common];
}
