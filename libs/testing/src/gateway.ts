import { existsSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child, type ChildExit } from './child.js';
import { freePort, scratchFolder } from './scratch.js';

export interface GatewayOptions {
  /** YAML, or an object. */
  readonly config: string | object;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Default: http. */
  readonly scheme?: 'http' | 'https';
}

const ENTRY = 'dist/run/gateway.js';
const ADMIN_KEY = 'admin-key-of-this-test';
const ASK_EVERY_MS = 20;

/**
 * The gateway as users run it: a process of its own from the build, with its own configuration file, data folder and
 * port. Resolves when it is ready; rejects with what it said when it ends before that.
 */
export async function spawnGateway({
  config,
  env = {},
  args = [],
  scheme = 'http',
}: GatewayOptions): Promise<SpawnedGateway> {
  const folder = scratchFolder('gateway');
  const configFile = join(folder, 'aegis.config.yaml');
  writeFileSync(configFile, typeof config === 'string' ? config : JSON.stringify(config));
  const port = await freePort();
  const gateway = new SpawnedGateway(
    port,
    configFile,
    new Child(
      process.execPath,
      [entry(), '--config', configFile, '--data-dir', join(folder, 'data'), ...args],
      { ...inherited(), PORT: String(port), AEGIS_ADMIN_KEY: ADMIN_KEY, ...env },
      folder,
    ),
    scheme,
  );
  await gateway.ready();
  return gateway;
}

export class SpawnedGateway {
  readonly url: string;
  readonly adminKey = ADMIN_KEY;

  constructor(
    readonly port: number,
    /** It may be changed while the gateway runs. */
    readonly configFile: string,
    private readonly child: Child,
    scheme: 'http' | 'https',
  ) {
    this.url = `${scheme}://127.0.0.1:${port}`;
  }

  get pid(): number {
    return this.child.pid;
  }

  get stdout(): readonly string[] {
    return this.child.stdout;
  }

  get stderr(): readonly string[] {
    return this.child.stderr;
  }

  get exited(): Promise<ChildExit> {
    return this.child.exited;
  }

  /** Resolves with the line of the log. It may come a moment after what it tells of. */
  async says(text: string): Promise<string> {
    return await this.child.saysOnStdout(text);
  }

  async ready(): Promise<void> {
    for (;;) {
      const status = await statusOf(`${this.url}/health/ready`);
      if (status === 200) return;
      if (!this.child.running) await this.child.somethingHappens('before it was ready');
      await delay(ASK_EVERY_MS);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.signal(name);
  }

  /** As an operator stops it: drained. */
  async stop(): Promise<ChildExit> {
    return await this.child.end('SIGTERM');
  }

  async kill(): Promise<ChildExit> {
    return await this.child.end('SIGKILL');
  }
}

/** 0: nobody answers. The certificates of tests are their own. */
async function statusOf(url: string): Promise<number> {
  return await new Promise((resolve) => {
    const ask = url.startsWith('https:') ? getSecurely(url, { rejectUnauthorized: false }) : get(url);
    ask.on('error', () => resolve(0));
    ask.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
}

/** What the machine needs, without what would configure the gateway behind the test's back. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AEGIS|DATABASE_URL|REDIS_URL|PORT$|NODE_OPTIONS$)/.test(name)),
  );
}

function entry(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, ENTRY);
    if (existsSync(file)) return file;
  }
  throw new Error(`${ENTRY} is missing: npm run build`);
}
