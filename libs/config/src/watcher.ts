import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';

interface Options {
  /** A change is told when nothing has changed for this long. Default: 100 ms. */
  readonly settle?: number;
  /** Files are looked at this often even when no event came: network drives send none. Default: 2 s. */
  readonly poll?: number;
  /** Told when `onChange` throws or rejects. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void;
}

/** A file that changes without pause is told about after this many looks all the same. */
const MOST_LOOKS = 20;

/**
 * Says when the configuration file, or a file that it names, may have changed: written in place, replaced by renaming,
 * swapped behind a symbolic link (Kubernetes), deleted, or there again. It watches directories, because a watch on a file
 * stays with the inode that a rename replaces; what counts is whether a file looks different, not which event came.
 *
 * Make it before the file is read, so that no change falls between the two.
 */
export class ConfigWatcher {
  private files: readonly string[];
  private readonly directories = new Map<string, { readonly inode: string; readonly watcher: FSWatcher }>();
  private readonly poll: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  /** How everything looked when it was last told about, and when it was last looked at. */
  private told: string;
  private seen: string;
  private looks = 0;
  private closed = false;
  private readonly settle: number;

  constructor(
    private readonly file: string,
    private readonly onChange: () => void | Promise<void>,
    private readonly options: Options = {},
  ) {
    this.settle = options.settle ?? 100;
    this.files = [resolve(file)];
    this.told = this.seen = this.appearance();
    this.watchDirectories();
    this.poll = setInterval(() => {
      this.watchDirectories();
      this.look();
    }, options.poll ?? 2000).unref();
  }

  /** The files that the configuration was read from; the configuration file itself is always among them. */
  watch(files: readonly string[]): void {
    const before = this.appearance();
    const undisturbed = before === this.told;
    this.files = [...new Set([resolve(this.file), ...files.map((file) => resolve(file))])];
    // What was not watched until now is taken as it is; a change that is waiting to be told stays one.
    if (undisturbed) this.told = this.seen = this.appearance();
    this.watchDirectories();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.poll);
    clearTimeout(this.timer);
    for (const { watcher } of this.directories.values()) watcher.close();
    this.directories.clear();
  }

  private look(): void {
    if (this.closed || this.timer !== undefined) return;
    const now = this.appearance();
    if (now === this.told) {
      this.seen = now;
      this.looks = 0;
      return;
    }
    const settled = now === this.seen && this.looks > 0;
    this.seen = now;
    if (settled || ++this.looks > MOST_LOOKS) this.tell(now);
    else this.lookLater();
  }

  private lookLater(): void {
    if (this.closed || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.look();
    }, this.settle).unref();
  }

  private tell(now: string): void {
    this.told = now;
    this.looks = 0;
    this.watchDirectories();
    const failed =
      this.options.onError ??
      ((error: unknown) => process.emitWarning(`a change of ${this.file} could not be followed: ${String(error)}`));
    try {
      Promise.resolve(this.onChange()).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  private appearance(): string {
    return this.files.map(appearanceOf).join('\n');
  }

  /** Of the files and of what symbolic links lead to; again when a directory was replaced. */
  private watchDirectories(): void {
    if (this.closed) return;
    const wanted = new Set(this.files.flatMap((file) => [dirname(file), dirname(realOf(file))]));
    for (const [directory, { inode, watcher }] of this.directories) {
      if (wanted.has(directory) && inode === inodeOf(directory)) continue;
      watcher.close();
      this.directories.delete(directory);
    }
    for (const directory of wanted) {
      const inode = inodeOf(directory);
      if (inode === undefined || this.directories.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => this.lookLater());
        watcher.on('error', () => this.forget(directory));
        this.directories.set(directory, { inode, watcher });
      } catch {
        // No watches left, or none here: the poll sees it, a little later.
      }
    }
  }

  private forget(directory: string): void {
    this.directories.get(directory)?.watcher.close();
    this.directories.delete(directory);
  }
}

function appearanceOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return 'absent';
  }
}

function inodeOf(directory: string): string | undefined {
  try {
    const { dev, ino } = statSync(directory, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined;
  }
}

function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
