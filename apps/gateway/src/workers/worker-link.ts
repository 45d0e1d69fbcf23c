import cluster from 'node:cluster';
import { parse } from 'node:path';
import { type Listening, type ToSupervisor, type ToWorker, type WorkerReport, type WorkerState } from './messages.js';

/** The number of this worker; absent in a process that serves alone. */
export const WORKER_NUMBER = 'AEGIS_WORKER_NUMBER';
const STATE_EVERY_MS = 1000;
/** A worker that does not say that it has reloaded in this time is not waited for. */
const RELOAD_MS = 5000;

export interface WorkerDuties {
  state(): WorkerState;
  fleet(instances: number): void;
  reload(): Promise<unknown>;
  stop(signal: string, atOnce: boolean): void;
}

/** A worker's end of the line to the process that started it. Without one the worker ends, so that none is left behind. */
export class WorkerLink {
  workers: readonly WorkerReport[] = [];
  private timer: NodeJS.Timeout | undefined;
  private requests = 0;
  private readonly waiting = new Map<number, () => void>();

  private constructor(readonly number: number) {}

  /** null: this process serves alone. */
  static open(env: NodeJS.ProcessEnv): WorkerLink | null {
    const number = Number(env[WORKER_NUMBER]);
    return cluster.isWorker && number > 0 ? new WorkerLink(number) : null;
  }

  /** Files cannot be shared by processes that each rotate them: all but the first have their own. */
  logFile(file: string | null): string | null {
    if (file === null || this.number === 1) return file;
    const { dir, name, ext } = parse(file);
    return `${dir}/${name}-${this.number}${ext}`;
  }

  serve(listening: Listening, duties: WorkerDuties): void {
    process.on('message', (message: ToWorker) => this.heard(message, duties));
    const tell = (): void => this.send({ kind: 'state', state: duties.state() });
    tell();
    this.timer = setInterval(tell, STATE_EVERY_MS).unref();
    this.send({ kind: 'ready', listening });
  }

  /** What another worker has to follow; resolves when all have, or have had their time. */
  async reloadOthers(): Promise<void> {
    const request = ++this.requests;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, RELOAD_MS);
      this.waiting.set(request, () => {
        clearTimeout(late);
        resolve();
      });
      this.send({ kind: 'reload', request });
    });
    this.waiting.delete(request);
  }

  close(): void {
    clearInterval(this.timer);
    if (process.connected) process.disconnect();
  }

  private heard(message: ToWorker, duties: WorkerDuties): void {
    switch (message.kind) {
      case 'fleet':
        this.workers = message.workers;
        duties.fleet(message.instances);
        return;
      case 'reload':
        void duties.reload().finally(() => this.send({ kind: 'reloaded', ask: message.ask }));
        return;
      case 'all-reloaded':
        this.waiting.get(message.request)?.();
        return;
      case 'stop':
        duties.stop(message.signal, message.atOnce);
    }
  }

  private send(message: ToSupervisor): void {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  }
}
