import { type Config, type LoadedConfig, mistakeLine } from '#config';
import { systemClock } from '#kernel';
import { type Log, openLog } from '#monitoring';
import { AdminKeys, InstanceRegistry, Storage, StorageError } from '#storage';
import { banner } from '../banner.js';
import { BootError } from '../boot-error.js';
import { ClusterSize, Pulse } from '../heartbeat.js';
import { notYet } from '../not-yet.js';
import { pathToTry } from '../path-to-try.js';
import { VERSION } from '../version.js';
import { Supervisor } from './supervisor.js';

export interface FleetOptions {
  readonly file: string;
  readonly dataDir: string;
  readonly loaded: LoadedConfig;
  readonly env: NodeJS.ProcessEnv;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

const BEAT_MS = 5000;

/**
 * One instance of several processes: this one serves nothing, but has what there must be one of (the embedded database, the
 * heartbeat, the banner, the first admin key) and runs those that serve. Resolves when all have ended; false: it could not
 * be started, and a worker has said why.
 */
export async function runFleet({ file, dataDir, loaded, env, startedAt }: FleetOptions): Promise<boolean> {
  const { config } = loaded;
  const log = await openLog(config.monitoring.logs);
  const { logger } = log;
  for (const warning of [...loaded.warnings.map(mistakeLine), ...notYet(config)]) logger.warn(warning);
  const storage = await openStorage(config, log);
  const { workers: count } = config.gateway;
  const size = new ClusterSize();
  const supervisor = new Supervisor({
    count,
    args: ['--config', file, '--data-dir', dataDir],
    logger,
    instances: () => size.instances * count,
  });
  const signals = followSignals(supervisor, log);
  const listening = await supervisor.start();
  if (listening === null) {
    await (signals.stopping() ?? supervisor.stop('a worker that did not start', true));
    await storage.close();
    return signals.stopping() !== undefined;
  }
  const registry = new InstanceRegistry(storage.dataSource, systemClock);
  const served = () => ({ version: supervisor.state.configVersion, hash: supervisor.state.configHash });
  const pulse = new Pulse(registry, served, size, (text) => logger.warn(text));
  const newAdminKey =
    (env['AEGIS_ADMIN_KEY'] ?? '') === '' ? await new AdminKeys(storage.dataSource, systemClock).ensureFirst() : null;
  await pulse.beat();
  const beats = setInterval(() => void pulse.beat(), BEAT_MS);
  process.stderr.write(
    banner(
      {
        version: VERSION,
        ...listening,
        workers: count,
        configFile: file,
        tryPath: pathToTry(config),
        newAdminKey,
        tookMs: performance.now() - startedAt,
      },
      process.stderr.isTTY && env['NO_COLOR'] === undefined,
    ),
  );
  logger.info({ workers: count, version: VERSION }, 'ready');
  await signals.stopped;
  clearInterval(beats);
  await pulse.end();
  await storage.close();
  logger.info('stopped');
  log.flush();
  return true;
}

async function openStorage({ database }: Config, { logger }: Log): Promise<Storage> {
  try {
    return await Storage.open({ ...database, url: database.url?.reveal() ?? null, pool: 2 }, logger);
  } catch (error) {
    throw error instanceof StorageError ? new BootError(error.message) : error;
  }
}

/** The first signal stops all workers, the second one hurries them. */
function followSignals(supervisor: Supervisor, { logger }: Log) {
  let stopping: Promise<void> | undefined;
  let over: () => void;
  const stopped = new Promise<void>((resolve) => (over = resolve));
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping === undefined) {
      logger.info({ signal }, 'stopping all workers');
      stopping = supervisor.stop(signal, false).then(() => over());
    } else {
      logger.warn(`${signal} again: leaving at once`);
      void supervisor.stop(signal, true);
    }
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => supervisor.reload());
  return { stopped, stopping: () => stopping };
}
