import { type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Config, type LoadedConfig, mistakeLine, reservedPaths, Seal, type ServerTls } from '#config';
import { CatchAllAdapter, FrontDoor, SnapshotStore } from '#gateway';
import { systemClock } from '#kernel';
import { AccessLog, anonymized, type Log, NestLogger, openLog, Readiness, RequestRecorder } from '#monitoring';
import { AdminKeys, RedisConnection, Storage, StorageError, type StorageLog, type StorageOptions } from '#storage';
import { AuditTrail } from './audit/audit-trail.js';
import { banner } from './banner.js';
import { BootError, listenError } from './boot-error.js';
import { ConfigReload } from './config-reload.js';
import { DebugTokens } from './debug-tokens.js';
import { ConfigFollower } from './dynamic/config-follower.js';
import { KeptEntities } from './dynamic/kept-entities.js';
import { startDemoUpstream } from './demo-upstream.js';
import { type ForeignCertificate } from './foreign-certificates.js';
import { GatewayAppModule } from './gateway-app.module.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { ClusterSize, Heartbeat } from './heartbeat.js';
import { Listener } from './listener.js';
import { ReservedPaths } from './reserved-paths.js';
import { notYet } from './not-yet.js';
import { pathToTry } from './path-to-try.js';
import { VERSION } from './version.js';
import { type WorkerDuties, type WorkerLink } from './workers/worker-link.js';

export interface GatewayOptions {
  readonly file: string;
  readonly dataDir: string;
  readonly loaded: LoadedConfig;
  readonly env: NodeJS.ProcessEnv;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** null: this process serves alone. */
  readonly link: WorkerLink | null;
}

const MIN_ADMIN_KEY = 16;

/** The running process: its listeners and what stands behind them, from the first to the last moment. */
export class Gateway {
  private stopping: Promise<void> | undefined;
  private hurry: () => void = () => undefined;
  private stopped: () => void = () => undefined;
  private readonly end = new Promise<void>((resolve) => (this.stopped = resolve));

  private constructor(
    private readonly app: INestApplication,
    private readonly listeners: readonly Listener[],
    private readonly readiness: Readiness,
    private readonly config: ConfigReload,
    private readonly store: SnapshotStore,
    private readonly recorder: RequestRecorder,
    private readonly log: Log,
    private readonly demo: { close(): Promise<void> },
    private readonly times: { readonly drain: number; readonly drainDelay: number },
    private readonly link: WorkerLink | null,
  ) {}

  static async start({ file, dataDir, loaded, env, startedAt, link }: GatewayOptions): Promise<Gateway> {
    const adminKey = env['AEGIS_ADMIN_KEY'] === '' ? undefined : env['AEGIS_ADMIN_KEY'];
    if (adminKey !== undefined && adminKey.length < MIN_ADMIN_KEY) {
      throw new BootError(
        `AEGIS_ADMIN_KEY is too short: use ${MIN_ADMIN_KEY} characters or more, for example: openssl rand -hex 24`,
      );
    }
    const { config } = loaded;
    const { logs } = config.monitoring;
    const log = await openLog(link === null ? logs : { ...logs, file: link.logFile(logs.file) });
    const { logger } = log;
    if (link === null) {
      for (const warning of [...loaded.warnings.map(mistakeLine), ...notYet(config)]) logger.warn(warning);
    }
    const demo = await startDemoUpstream();
    const metrics = new GatewayMetrics();
    const store = new SnapshotStore(loaded, systemClock, {
      demoUrl: demo.url,
      news: (target, news) => {
        logger.warn({ target }, `target ${target}: ${news}`);
        metrics.changed(target, news);
      },
    });
    let current = config;
    const recorder = new RequestRecorder(systemClock, (err) => logger.error({ err }, 'a reader of the records failed'));
    recorder.addReader(
      new AccessLog(
        (lines) => log.stream.write(lines),
        () => accessLog(current),
      ),
    );
    const readiness = new Readiness();
    const clusterSize = new ClusterSize(config.gateway.workers);
    const apply = (next: LoadedConfig): void => {
      current = next.config;
      logger.level = current.monitoring.logs.level;
      const needed = needsRestart(config, current);
      if (needed.length > 0) logger.warn(`${needed.join(', ')}: takes effect after a restart`);
      try {
        if (current.gateway.tls !== null) front.renewCertificates(current.gateway.tls);
      } catch (err) {
        logger.error({ err }, 'the new certificates cannot be used, the old ones go on');
      }
    };
    const reload = new ConfigReload({ file, dataDir }, loaded, store, apply, logger, systemClock);
    const seal = new Seal(env['AEGIS_SECRET_KEY']);
    const kept = config.database.url === null ? null : new KeptEntities(dataDir, config.database.url.reveal(), seal);

    const { gateway, admin } = config;
    const { workers } = gateway;
    const limits = { ...gateway.limits, connections: Math.ceil(gateway.limits.connections / workers) };
    const refused = ({ address, ...foreign }: ForeignCertificate): void => {
      const clientIp = current.monitoring.anonymizeIp ? anonymized(address) : address;
      logger.warn({ clientIp, ...foreign }, 'a connection was closed: its client certificate is not trusted');
    };
    const front = openListener(limits, gateway.tls, refused);
    const back = admin.port === null ? null : openListener(limits, null, refused);
    const adapter = new CatchAllAdapter(() => front.server);
    const app = await NestFactory.create(
      GatewayAppModule.assemble({
        store,
        recorder,
        readiness,
        config: reload,
        kept,
        seal,
        dataDir,
        storage: { ...storageOptions(config, logger, kept?.read() != null), beside: link !== null },
        clusterSize,
        reserved: reservedPaths(config),
        audit: () => current.monitoring.audit,
        secretKey: env['AEGIS_SECRET_KEY'],
        metrics,
        monitoring: () => current.monitoring,
        link,
      }),
      adapter,
      { logger: new NestLogger(logger), abortOnError: false, bodyParser: false },
    ).catch((error: unknown) => {
      throw error instanceof StorageError ? new BootError(error.message) : error;
    });
    await app.init();
    await app.get(ConfigFollower).start();

    adapter.disable('x-powered-by');
    const express = adapter.getInstance<(req: unknown, res: unknown) => void>();
    const reserved = (port: number | null): ReservedPaths => {
      return new ReservedPaths(express, reservedPaths({ admin: { port }, monitoring: config.monitoring }), logger);
    };
    const debug = app.get(DebugTokens);
    const door = new FrontDoor(
      () => store.current,
      recorder,
      reserved(admin.port),
      adapter.catchAll,
      async (exchange, token) => await debug.admits(exchange, token),
    );
    front.serve((req, res, listener, upgrade) => door.handle(req, res, listener, upgrade));
    if (back !== null) {
      const backDoor = reserved(null);
      back.serve((req, res, listener, upgrade) => door.handleReserved(req, res, listener, upgrade, backDoor));
      await back.listen(admin.port ?? 0, admin.host).catch((error: unknown) => {
        throw listenError(error as NodeJS.ErrnoException, admin.host, admin.port ?? 0);
      });
    }
    await front.listen(gateway.port, gateway.host).catch((error: unknown) => {
      throw listenError(error as NodeJS.ErrnoException, gateway.host, gateway.port);
    });

    const alone = link === null;
    const newAdminKey = alone && adminKey === undefined ? await firstAdminKey(app) : null;
    if (alone) await app.get(Heartbeat).beat();
    reload.watch();
    readiness.ready();
    const listeners = back === null ? [front] : [front, back];
    const times = { drain: gateway.drain, drainDelay: gateway.drainDelay };
    const running = new Gateway(app, listeners, readiness, reload, store, recorder, log, demo, times, link);
    running.followSignals();
    const shown = gateway.host === '0.0.0.0' || gateway.host === '::' ? 'localhost' : gateway.host;
    const scheme = front.secure ? 'https' : 'http';
    const url = `${scheme}://${shown}:${front.port}`;
    const listening = { url, adminUrl: back === null ? url : `http://${admin.host}:${back.port}` };
    logger.info(
      { port: front.port, version: VERSION, config: store.current.hash, worker: link?.number },
      link === null ? 'ready' : `worker ${link.number} is ready`,
    );
    if (link !== null) {
      link.serve(listening, running.duties(clusterSize));
      return running;
    }
    process.stderr.write(
      banner(
        {
          version: VERSION,
          ...listening,
          workers,
          configFile: file,
          tryPath: pathToTry(config),
          newAdminKey,
          tookMs: performance.now() - startedAt,
        },
        process.stderr.isTTY && process.env['NO_COLOR'] === undefined,
      ),
    );
    return running;
  }

  /** What a worker does when it is told to. */
  private duties(size: ClusterSize): WorkerDuties {
    return {
      state: () => ({
        requests: this.recorder.recorded,
        memory: process.memoryUsage.rss(),
        configVersion: this.store.current.version,
        configHash: this.store.current.hash,
      }),
      fleet: (instances) => (size.instances = instances),
      reload: () => this.config.reload(),
      stop: (signal, atOnce) => {
        this.stopping ??= this.stop(signal);
        if (atOnce) this.leaveAtOnce();
      },
    };
  }

  private leaveAtOnce(): void {
    for (const listener of this.listeners) void listener.close(0);
    this.hurry();
  }

  private followSignals(): void {
    const { link } = this;
    if (link !== null) {
      // A terminal tells every process of it; the one that started us says what is to be done.
      process.on('SIGINT', () => undefined);
      process.on('SIGHUP', () => undefined);
      process.on('SIGTERM', (signal) => {
        this.stopping ??= this.stop(signal);
      });
      return;
    }
    const stop = (signal: NodeJS.Signals): void => {
      if (this.stopping) {
        this.log.logger.warn(`${signal} again: leaving at once`);
        this.leaveAtOnce();
        return;
      }
      this.stopping = this.stop(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('SIGHUP', () => void this.config.reload());
  }

  /** Readiness goes first, then new connections, then what is in flight, then what stands behind. */
  private async stop(signal: string): Promise<void> {
    const { logger } = this.log;
    const { drain, drainDelay } = this.times;
    logger.info({ signal, drain, drainDelay }, 'draining');
    this.readiness.draining();
    for (const listener of this.listeners) listener.drain();
    await new Promise<void>((resolve) => {
      this.hurry = resolve;
      setTimeout(resolve, drainDelay);
    });
    await Promise.all(this.listeners.map((listener) => listener.close(drain)));
    this.config.close();
    this.recorder.drain();
    this.link?.close();
    await this.app.close();
    this.store.close();
    await this.demo.close();
    logger.info('stopped');
    this.log.flush();
    this.stopped();
  }

  untilStopped(): Promise<void> {
    return this.end;
  }
}

/** With the database away there is none, and none is needed: it was there before. */
async function firstAdminKey(app: INestApplication): Promise<string | null> {
  if (!app.get(Storage).dataSource.isInitialized) return null;
  return await app.get(AdminKeys).ensureFirst(app.get(AuditTrail).firstKey);
}

function openListener(
  limits: Config['gateway']['limits'],
  tls: ServerTls | null,
  refused: (foreign: ForeignCertificate) => void,
): Listener {
  try {
    return new Listener(limits, tls, refused);
  } catch (error) {
    if (tls === null) throw error;
    throw new BootError(
      `gateway.tls cannot be used (${tls.cert}, ${tls.key}): ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** What listeners and stores were opened with, where it differs now. */
function needsRestart(before: Config, now: Config): string[] {
  const parts: readonly [string, (config: Config) => unknown][] = [
    ['gateway.host', ({ gateway }) => gateway.host],
    ['gateway.port', ({ gateway }) => gateway.port],
    ['gateway.tls', ({ gateway }) => gateway.tls === null],
    ['gateway.tls.http2', ({ gateway }) => gateway.tls?.http2],
    ['gateway.workers', ({ gateway }) => gateway.workers],
    ['admin.port', ({ admin }) => admin.port],
    ['monitoring.prometheus', ({ monitoring }) => JSON.stringify(monitoring.prometheus)],
    ['database', ({ declared }) => JSON.stringify(declared.database)],
    ['redis', ({ declared }) => JSON.stringify(declared.redis)],
  ];
  return parts.filter(([, of]) => of(before) !== of(now)).map(([name]) => name);
}

/** `patient`: there is something to serve without the database. */
function storageOptions({ database, redis }: Config, log: StorageLog, patient: boolean): StorageOptions {
  return {
    database: { ...database, url: database.url?.reveal() ?? null, patient },
    redis: RedisConnection.open(
      { ...redis, url: redis.url?.reveal() ?? null, password: redis.password?.reveal() ?? null },
      log,
    ),
    log,
  };
}

function accessLog({ monitoring, auth }: Config) {
  const keyParameter = auth.apiKeys?.query ?? null;
  return {
    enabled: monitoring.logs.access,
    anonymizeIp: monitoring.anonymizeIp,
    redactQuery: keyParameter === null ? monitoring.redact.query : [...monitoring.redact.query, keyParameter],
  };
}
