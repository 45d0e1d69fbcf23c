import { type ConfigMistake, ConfigWatcher, loadConfig, type LoadedConfig } from '#config';
import { type Clock } from '#kernel';
import { type SnapshotStore } from '#gateway';
import { type Logger } from 'pino';

export interface ReloadOutcome {
  readonly at: number;
  readonly ok: boolean;
  readonly version: number;
  readonly mistakes: readonly ConfigMistake[];
}

/**
 * Follows the configuration file: whatever is written there is served a moment later, and what is wrong with it is said in
 * the log and in the status while the old snapshot goes on.
 */
export class ConfigReload {
  private watcher: ConfigWatcher | undefined;
  private running: Promise<ReloadOutcome> | undefined;
  last: ReloadOutcome;

  constructor(
    private readonly source: { readonly file: string; readonly dataDir: string | undefined },
    private readonly store: SnapshotStore,
    private readonly applied: (loaded: LoadedConfig) => void,
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {
    this.last = { at: store.current.loadedAt, ok: true, version: store.current.version, mistakes: [] };
  }

  watch(): void {
    this.watcher = new ConfigWatcher(this.source.file, () => void this.reload());
  }

  close(): void {
    this.watcher?.close();
  }

  /** One at a time: a change during a reload is read by the next. */
  async reload(): Promise<ReloadOutcome> {
    await this.running?.catch(() => undefined);
    this.running = this.load();
    this.last = await this.running;
    return this.last;
  }

  private async load(): Promise<ReloadOutcome> {
    const before = this.store.current;
    const result = await loadConfig({ ...this.source, env: process.env });
    const at = this.clock.now();
    if (!result.ok) return this.refused(at, result.mistakes);
    let version: number;
    try {
      version = this.store.replace(result).version;
    } catch (error) {
      return this.refused(at, [{ path: '', file: this.source.file, line: 1, column: 1, message: String(error) }]);
    }
    this.applied(result);
    if (version !== before.version)
      this.logger.info({ version, hash: result.hash }, `configuration ${version} is served`);
    return { at, ok: true, version, mistakes: [] };
  }

  private refused(at: number, mistakes: readonly ConfigMistake[]): ReloadOutcome {
    const { version } = this.store.current;
    for (const { file, line, column, path, message } of mistakes) {
      this.logger.error({ file, line, column, path }, `configuration refused, ${version} goes on: ${message}`);
    }
    return { at, ok: false, version, mistakes };
  }
}
