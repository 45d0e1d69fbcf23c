import cluster, { type Worker } from 'node:cluster';
import { createRequire } from 'node:module';
import { type Logger } from 'pino';
import { type Listening, type ToSupervisor, type ToWorker, type WorkerReport, type WorkerState } from './messages.js';
import { WORKER_NUMBER } from './worker-link.js';

const PROGRAM = createRequire(import.meta.url).resolve('#gateway-program');
const FIRST_RESTART_MS = 250;
const LAST_RESTART_MS = 30_000;
/** One that served for so long is started again without delay when it dies. */
const STABLE_MS = 60_000;
const FLEET_EVERY_MS = 1000;

interface Place {
  readonly number: number;
  worker: Worker | null;
  startedAt: number;
  ready: boolean;
  state: WorkerState;
  deaths: number;
  restart: NodeJS.Timeout | undefined;
}

export interface SupervisorOptions {
  readonly count: number;
  readonly args: readonly string[];
  readonly logger: Logger;
  /** How many processes share the limits, on all machines. */
  readonly instances: () => number;
}

const NOTHING_YET: WorkerState = { requests: 0, memory: 0, configVersion: 0, configHash: '' };

/**
 * Runs so many workers that share the port: starts them, starts another for one that died, and hands on to them what the
 * process is told.
 *
 * A worker that dies takes what was in flight on it along, and nothing else: connections are handed to workers one by one.
 * The first is started alone, so that what keeps it from serving is said once. One that dies again and again is started
 * after pauses that double, up to half a minute, while the others serve.
 */
export class Supervisor {
  private readonly places: Place[];
  private stopping = false;
  private asks = 0;
  private fleetTimer: NodeJS.Timeout | undefined;
  /** For each reload under way, the workers that have yet to follow. */
  private readonly following = new Map<number, { readonly missing: Set<Place>; readonly done: () => void }>();

  constructor(private readonly options: SupervisorOptions) {
    this.places = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      worker: null,
      startedAt: 0,
      ready: false,
      state: NOTHING_YET,
      deaths: 0,
      restart: undefined,
    }));
  }

  /** Resolves when all serve; null: the first one gave up, and has said why. */
  async start(): Promise<Listening | null> {
    // The workers take connections from the kernel. Handed out by this process in turn, one that is on its way to a worker
    // that dies would stay open for ever, without an answer.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: PROGRAM, args: [...this.options.args] });
    const [first, ...others] = this.places;
    const listening = first === undefined ? null : await this.launch(first);
    if (listening === null) return null;
    const rest = await Promise.all(others.map((place) => this.launch(place)));
    if (rest.includes(null)) return null;
    this.fleetTimer = setInterval(() => this.tellFleet(), FLEET_EVERY_MS).unref();
    this.tellFleet();
    return listening;
  }

  /** What the first worker serves. */
  get state(): WorkerState {
    return this.places.find(({ ready }) => ready)?.state ?? NOTHING_YET;
  }

  reload(): void {
    this.ask(this.places, () => undefined);
  }

  /** Resolves when the last worker has ended. Called again, with `atOnce`, it hurries those that are still there. */
  async stop(signal: string, atOnce: boolean): Promise<void> {
    this.stopping = true;
    clearInterval(this.fleetTimer);
    const ends = this.places.map(async ({ worker, restart }) => {
      clearTimeout(restart);
      if (worker === null || worker.isDead()) return;
      const end = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      this.send(worker, { kind: 'stop', signal, atOnce });
      await end;
    });
    await Promise.all(ends);
  }

  /** null: it ended before it served. */
  private launch(place: Place): Promise<Listening | null> {
    const worker = cluster.fork({ [WORKER_NUMBER]: String(place.number) });
    Object.assign(place, { worker, startedAt: Date.now(), ready: false, state: NOTHING_YET });
    return new Promise((resolve) => {
      worker.on('message', (message: ToSupervisor) => {
        if (message.kind === 'ready') {
          place.ready = true;
          this.tellFleet();
          resolve(message.listening);
        } else this.heard(place, message);
      });
      worker.once('exit', (code, signal) => {
        resolve(null);
        this.ended(place, signal || `exit code ${code}`);
      });
    });
  }

  private heard(place: Place, message: Exclude<ToSupervisor, { kind: 'ready' }>): void {
    if (message.kind === 'state') place.state = message.state;
    else if (message.kind === 'reloaded') this.followed(message.ask, place);
    else {
      const others = this.places.filter((other) => other !== place);
      this.ask(others, () => this.send(place.worker, { kind: 'all-reloaded', request: message.request }));
    }
  }

  private ask(places: readonly Place[], done: () => void): void {
    const asked = places.filter(({ ready }) => ready);
    if (asked.length === 0) {
      done();
      return;
    }
    const ask = ++this.asks;
    this.following.set(ask, { missing: new Set(asked), done });
    for (const { worker } of asked) this.send(worker, { kind: 'reload', ask });
  }

  private followed(ask: number, place: Place): void {
    const reload = this.following.get(ask);
    if (reload === undefined) return;
    reload.missing.delete(place);
    if (reload.missing.size > 0) return;
    this.following.delete(ask);
    reload.done();
  }

  private ended(place: Place, why: string): void {
    const { number, worker, startedAt, ready } = place;
    place.worker = null;
    place.ready = false;
    // Whoever waits for it to reload need not: its successor reads the file as it is.
    for (const ask of [...this.following.keys()]) this.followed(ask, place);
    if (this.stopping || this.fleetTimer === undefined) return;
    place.deaths = ready && Date.now() - startedAt >= STABLE_MS ? 0 : place.deaths + 1;
    const wait = place.deaths <= 1 ? 0 : Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** (place.deaths - 2));
    this.options.logger.error(
      { worker: number, pid: worker?.process.pid },
      `worker ${number} ended (${why}); another is started ${wait === 0 ? 'at once' : `in ${wait} ms`}`,
    );
    this.tellFleet();
    place.restart = setTimeout(() => {
      void this.launch(place).then((listening) => {
        if (listening !== null) this.options.logger.warn({ worker: number }, `worker ${number} serves again`);
      });
    }, wait);
  }

  private tellFleet(): void {
    const workers = this.places.flatMap(({ number, worker, startedAt, ready, state }): WorkerReport[] => {
      const pid = worker?.process.pid;
      return ready && pid !== undefined
        ? [{ number, pid, startedAt: new Date(startedAt).toISOString(), ...state }]
        : [];
    });
    const message: ToWorker = { kind: 'fleet', instances: this.options.instances(), workers };
    for (const { worker, ready } of this.places) if (ready) this.send(worker, message);
  }

  private send(worker: Worker | null, message: ToWorker): void {
    if (worker?.isConnected() === true) worker.send(message, () => undefined);
  }
}
