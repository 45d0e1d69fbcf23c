import { formatMistakes, type Mistake } from '#config';
import { EXIT, type ExitCode } from '../exit.js';
import { ask, type LiveOptions } from '../live-gateway.js';
import { ago, lasting } from '../time-words.js';
import { columns, count, hasColors, type Paint, paintFor, print, printJson } from '../terminal.js';

/** What `/_aegis/status` says. */
interface Status {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly health: {
    readonly status: 'healthy' | 'degraded' | 'unhealthy';
    readonly uptime: number;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  readonly config: {
    readonly version: number;
    readonly hash: string;
    readonly loadedAt: string;
    readonly routes: number;
    readonly upstreams: number;
    readonly lastReload: { readonly at: string; readonly ok: boolean; readonly mistakes: readonly Mistake[] };
  };
  readonly requests: number;
  readonly memory: number;
  /** Of a gateway with more than one; an older one says nothing. */
  readonly workers?: readonly { readonly number: number; readonly pid: number; readonly requests: number }[];
  readonly instances: readonly Instance[];
}

interface Instance {
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly configHash: string;
  readonly seenAt: string;
}

export interface StatusOptions extends LiveOptions {
  readonly json?: boolean;
}

export async function status(options: StatusOptions): Promise<ExitCode> {
  const answer = await ask<Status>(options, 'GET', '/_aegis/status');
  if (options.json === true) printJson(answer);
  else printStatus(answer, options.url);
  return answer.health.status === 'unhealthy' ? EXIT.no : EXIT.fine;
}

function printStatus(status: Status, url: string): void {
  const paint = paintFor(process.stdout);
  const now = Date.now();
  const { health, config, instances } = status;
  const { lastReload } = config;
  const state = stateColor(health.status, paint)(health.status);
  print(`${paint.bold(`Aegis ${status.version}`)} at ${url} is ${state}, up ${lasting(health.uptime)}\n`);
  print(
    columns([
      ['process', `pid ${status.pid}, Node ${status.node.replace(/^v/, '')}, ${megabytes(status.memory)}`],
      ...(status.workers ?? []).map(({ number, pid, requests }, i) => [
        i === 0 ? 'workers' : '',
        `${number}: pid ${pid}, ${requests.toLocaleString('en')} requests`,
      ]),
      ['requests', `${status.requests.toLocaleString('en')} since the start`],
      ['configuration', `${config.version} (${config.hash.slice(0, 12)}), loaded ${ago(config.loadedAt, now)}`],
      ['', `${count(config.routes, 'route')}, ${count(config.upstreams, 'upstream')}`],
      ...Object.entries(health.dependencies).map(([name, state]) => [name, state]),
      ...instances.map(({ host, pid, version, configHash, seenAt }, i) => [
        i === 0 ? 'instances' : '',
        `${host} pid ${pid}, ${version}, ${configHash.slice(0, 12)}, seen ${ago(seenAt, now)}`,
      ]),
    ]),
  );
  if (lastReload.ok) return;
  print(
    `\n${paint.red(`The file was refused ${ago(lastReload.at, now)}; configuration ${config.version} goes on.`)}\n`,
  );
  print(formatMistakes(lastReload.mistakes, { color: hasColors(process.stdout) }));
}

function stateColor(state: Status['health']['status'], { green, yellow, red }: Paint): (text: string) => string {
  return state === 'healthy' ? green : state === 'degraded' ? yellow : red;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
