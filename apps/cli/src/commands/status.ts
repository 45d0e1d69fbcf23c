import { type Schemas } from '#admin-client';
import { formatMistakes } from '#config';
import { EXIT, type ExitCode } from '../exit.js';
import { ask, type LiveOptions } from '../live-gateway.js';
import { ago, lasting } from '../time-words.js';
import { columns, count, hasColors, type Paint, paintFor, print, printJson } from '../terminal.js';

export interface StatusOptions extends LiveOptions {
  readonly json?: boolean;
}

export async function status(options: StatusOptions): Promise<ExitCode> {
  const answer = await ask(options, 'GET /_aegis/status');
  if (options.json === true) printJson(answer);
  else printStatus(answer, options.url);
  return answer.health.status === 'unhealthy' ? EXIT.no : EXIT.fine;
}

function printStatus(status: Schemas['Status'], url: string): void {
  const paint = paintFor(process.stdout);
  const now = Date.now();
  const { health, config, instances } = status;
  const { lastReload } = config;
  const state = stateColor(health.status, paint)(health.status);
  print(`${paint.bold(`Aegis ${status.version}`)} at ${url} is ${state}, up ${lasting(health.uptime)}\n`);
  print(
    columns([
      ['process', `pid ${status.pid}, Node ${status.node.replace(/^v/, '')}, ${megabytes(status.memory)}`],
      ...status.workers.map(({ number, pid, requests }, i) => [
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

function stateColor(state: Schemas['Health']['status'], { green, yellow, red }: Paint): (text: string) => string {
  return state === 'healthy' ? green : state === 'degraded' ? yellow : red;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MB`;
}
