import {
  ConfigWatcher,
  type Entity,
  type LoadedConfig,
  type LoadOptions,
  mergeEntities,
  type MergedConfig,
  type Misfit,
  type Mistake,
  mistakeLine,
} from '#config';
import { type Clock } from '#kernel';
import { loadAside } from './examiner/load-aside.js';
import { type SnapshotStore } from '#gateway';
import { type Logger } from 'pino';

export interface ReloadOutcome {
  readonly at: number;
  readonly ok: boolean;
  readonly version: number;
  readonly mistakes: readonly Mistake[];
}

/**
 * Serves what the configuration file and the entities of the admin API say together. A file is served a moment after it
 * was saved, and entities as soon as they are told; what is wrong with a file is said in the log and in the status while
 * the old one goes on, and what is wrong with an entity leaves out that entity only.
 */
export class ConfigReload {
  private watcher: ConfigWatcher | undefined;
  private current: Promise<unknown> = Promise.resolve();
  private next: Promise<ReloadOutcome> | undefined;
  private closed = false;
  private entities: readonly Entity[] = [];
  private merged: MergedConfig;
  /** Which entities are taken into account. */
  entitiesVersion = 0;
  last: ReloadOutcome;
  /** Since the start. */
  readonly counts = { served: 0, refused: 0 };

  constructor(
    readonly source: LoadOptions & { readonly dataDir: string },
    /** What is served already; the last file that was right. */
    private file: LoadedConfig,
    private readonly store: SnapshotStore,
    private readonly applied: (loaded: LoadedConfig) => void,
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {
    this.merged = { ...file, leftOut: [] };
    this.last = { at: store.current.loadedAt, ok: true, version: store.current.version, mistakes: [] };
  }

  watch(): void {
    this.watcher = new ConfigWatcher(this.source.file, async () => {
      await this.reload();
    });
    this.watcher.watch(filesOf(this.file));
  }

  close(): void {
    this.closed = true;
    this.watcher?.close();
  }

  /** What runs. */
  get running(): MergedConfig {
    return this.merged;
  }

  /** The part of it that the file declares. */
  get declaredInFile(): LoadedConfig {
    return this.file;
  }

  /** Serves these beside the file, in place of those before. */
  adopt(entities: readonly Entity[], version: number): void {
    this.entities = entities;
    this.entitiesVersion = version;
    try {
      this.serve(this.file);
    } catch (err) {
      this.logger.error({ err }, `the entities of the admin API, version ${version}, cannot be served`);
    }
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
    const result = await loadAside(this.source);
    if (!this.closed) {
      this.last = this.apply(result);
      this.counts[this.last.ok ? 'served' : 'refused']++;
    }
    return this.last;
  }

  private apply(result: Awaited<ReturnType<typeof loadAside>>): ReloadOutcome {
    const at = this.clock.now();
    const before = this.store.current.version;
    if (!result.ok) return this.refused(at, result.mistakes, result.mistakes.map(mistakeLine));
    try {
      this.serve(result);
    } catch (error) {
      return this.refused(at, [], [String(error)]);
    }
    this.watcher?.watch(filesOf(result));
    const { version } = this.store.current;
    if (version === before) this.logger.info('the configuration was read again and says the same');
    return { at, ok: true, version, mistakes: [] };
  }

  /** Throws when it cannot be compiled, and then changes nothing. */
  private serve(file: LoadedConfig): void {
    const before = this.store.current;
    const merged = mergeEntities(file, this.entities, this.source);
    const { version } = this.store.replace(merged);
    this.file = file;
    this.tellLeftOut(merged);
    this.merged = merged;
    this.applied(merged);
    if (version !== before.version)
      this.logger.info({ version, hash: merged.hash }, `configuration ${version} is served`);
  }

  private tellLeftOut({ leftOut }: MergedConfig): void {
    const told = new Set(this.merged.leftOut.flatMap(linesOf));
    for (const line of leftOut.flatMap(linesOf)) if (!told.has(line)) this.logger.error(line);
  }

  private refused(at: number, mistakes: readonly Mistake[], lines: readonly string[]): ReloadOutcome {
    const { version } = this.store.current;
    for (const line of lines) this.logger.error(`configuration refused, ${version} goes on: ${line}`);
    return { at, ok: false, version, mistakes };
  }
}

function linesOf({ entity: { kind, name }, mistakes }: Misfit): string[] {
  return mistakes.map(
    ({ path, message }) => `${kind}/${name} of the admin API is left out: ${path === '' ? '' : `${path}: `}${message}`,
  );
}

/** Everything whose change has to be followed, certificates included. */
function filesOf({ files, config }: LoadedConfig): readonly string[] {
  const { tls } = config.gateway;
  if (tls === null) return files;
  const pairs = [tls, ...tls.certificates].flatMap(({ cert, key }) => [cert, key]);
  return [...files, ...pairs, ...(tls.clientCa === null ? [] : [tls.clientCa])];
}
