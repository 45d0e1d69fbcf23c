import { ConfigWatcher, loadConfig, type LoadedConfig, type Mistake, mistakeLine } from '#config';
import { type Clock } from '#kernel';
import { type SnapshotStore } from '#gateway';
import { type Logger } from 'pino';

export interface ReloadOutcome {
  readonly at: number;
  readonly ok: boolean;
  readonly version: number;
  readonly mistakes: readonly Mistake[];
}

/**
 * Follows the configuration file: whatever is written there is served a moment later, and what is wrong with it is said in
 * the log and in the status while the old snapshot goes on.
 */
export class ConfigReload {
  private watcher: ConfigWatcher | undefined;
  private current: Promise<unknown> = Promise.resolve();
  private next: Promise<ReloadOutcome> | undefined;
  private closed = false;
  last: ReloadOutcome;
  /** Since the start. */
  readonly counts = { served: 0, refused: 0 };

  constructor(
    private readonly source: { readonly file: string; readonly dataDir: string },
    private readonly store: SnapshotStore,
    private readonly applied: (loaded: LoadedConfig) => void,
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {
    this.last = { at: store.current.loadedAt, ok: true, version: store.current.version, mistakes: [] };
  }

  /** `first`: what is served already. */
  watch(first: LoadedConfig): void {
    this.watcher = new ConfigWatcher(this.source.file, async () => {
      await this.reload();
    });
    this.watcher.watch(filesOf(first));
  }

  close(): void {
    this.closed = true;
    this.watcher?.close();
  }

  /** One at a time. Whoever asks meanwhile may have written since it began: one more follows, for all of them. */
  async reload(): Promise<ReloadOutcome> {
    this.next ??= this.current.then(async () => {
      this.next = undefined;
      const read = this.load();
      this.current = read.catch(() => undefined);
      return await read;
    });
    return await this.next;
  }

  private async load(): Promise<ReloadOutcome> {
    const result = await loadConfig(this.source);
    if (!this.closed) {
      this.last = this.apply(result);
      this.counts[this.last.ok ? 'served' : 'refused']++;
    }
    return this.last;
  }

  private apply(result: Awaited<ReturnType<typeof loadConfig>>): ReloadOutcome {
    const before = this.store.current;
    const at = this.clock.now();
    if (!result.ok) return this.refused(at, result.mistakes, result.mistakes.map(mistakeLine));
    let version: number;
    try {
      version = this.store.replace(result).version;
    } catch (error) {
      return this.refused(at, [], [String(error)]);
    }
    this.watcher?.watch(filesOf(result));
    this.applied(result);
    if (version === before.version) this.logger.info('the configuration was read again and says the same');
    else this.logger.info({ version, hash: result.hash }, `configuration ${version} is served`);
    return { at, ok: true, version, mistakes: [] };
  }

  private refused(at: number, mistakes: readonly Mistake[], lines: readonly string[]): ReloadOutcome {
    const { version } = this.store.current;
    for (const line of lines) this.logger.error(`configuration refused, ${version} goes on: ${line}`);
    return { at, ok: false, version, mistakes };
  }
}

/** Everything whose change has to be followed, certificates included. */
function filesOf({ files, config }: LoadedConfig): readonly string[] {
  const { tls } = config.gateway;
  return tls === null ? files : [...files, tls.cert, tls.key, ...(tls.clientCa === null ? [] : [tls.clientCa])];
}
