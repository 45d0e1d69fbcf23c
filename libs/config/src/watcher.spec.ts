import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigWatcher } from './watcher.js';

/** Lets a test wait for the next change, and knows how many there were. */
class Changes {
  count = 0;
  private wake: () => void = () => undefined;
  private heard: Promise<void> = Promise.resolve();

  constructor() {
    this.rearm();
  }
  readonly hear = (): void => {
    this.count++;
    this.wake();
  };
  async next(): Promise<void> {
    await this.heard;
    this.rearm();
  }
  private rearm(): void {
    this.heard = new Promise((resolve) => (this.wake = resolve));
  }
}

describe('the watcher', () => {
  let directory: string;
  let file: string;
  let changes: Changes;
  const open: ConfigWatcher[] = [];

  /** `poll` far away: what is seen is seen by events. */
  const watch = (path = file, pace = { settle: 20, poll: 600_000 }): ConfigWatcher => {
    const watcher = new ConfigWatcher(path, changes.hear, pace);
    open.push(watcher);
    return watcher;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'aegis-watch-'));
    file = join(directory, 'aegis.yaml');
    // Of another length than what follows: the times of two quick writes may be the same.
    writeFileSync(file, 'at first');
    changes = new Changes();
  });
  afterEach(() => {
    for (const watcher of open.splice(0)) watcher.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('sees a file that is written in place, again and again', async () => {
    watch();
    for (const content of ['two', 'three', 'four']) {
      writeFileSync(file, content);
      await changes.next();
    }
    expect(changes.count).toBe(3);
  });

  it('tells about many quick writes once', async () => {
    watch(file, { settle: 150, poll: 600_000 });
    for (let i = 0; i < 50; i++) writeFileSync(file, `write ${i}`);
    await changes.next();
    writeFileSync(file, 'last');
    await changes.next();
    expect(changes.count).toBe(2);
  });

  it('sees a file that is replaced by renaming, as editors do', async () => {
    watch();
    for (const content of ['two', 'three']) {
      writeFileSync(join(directory, '.swap'), content);
      renameSync(join(directory, '.swap'), file);
      await changes.next();
    }
    expect(changes.count).toBe(2);
  });

  it('sees a ConfigMap that is swapped by its ..data link', async () => {
    const mount = join(directory, 'mount');
    mkdirSync(join(mount, '..2024_1'), { recursive: true });
    writeFileSync(join(mount, '..2024_1', 'aegis.yaml'), 'one');
    symlinkSync('..2024_1', join(mount, '..data'));
    symlinkSync('..data/aegis.yaml', join(mount, 'aegis.yaml'));
    watch(join(mount, 'aegis.yaml'));
    for (const version of ['..2024_2', '..2024_3']) {
      mkdirSync(join(mount, version));
      writeFileSync(join(mount, version, 'aegis.yaml'), version);
      symlinkSync(version, join(mount, '..data_tmp'));
      renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
      await changes.next();
    }
    expect(changes.count).toBe(2);
  });

  it('sees a file behind a link into another directory that is written in place', async () => {
    mkdirSync(join(directory, 'elsewhere'));
    const real = join(directory, 'elsewhere', 'real.yaml');
    writeFileSync(real, 'one');
    unlinkSync(file);
    symlinkSync(real, file);
    watch();
    writeFileSync(real, 'two');
    await changes.next();
    expect(changes.count).toBe(1);
  });

  it('sees a file go and come back', async () => {
    watch();
    unlinkSync(file);
    await changes.next();
    writeFileSync(file, 'two');
    await changes.next();
    expect(changes.count).toBe(2);
  });

  it('sees a whole directory go and come back, by looking', async () => {
    const inner = join(directory, 'inner');
    mkdirSync(inner);
    writeFileSync(join(inner, 'aegis.yaml'), 'one');
    watch(join(inner, 'aegis.yaml'), { settle: 20, poll: 30 });
    rmSync(inner, { recursive: true });
    await changes.next();
    mkdirSync(inner);
    writeFileSync(join(inner, 'aegis.yaml'), 'two');
    await changes.next();
    writeFileSync(join(inner, 'aegis.yaml'), 'three');
    await changes.next();
    expect(changes.count).toBe(3);
  });

  it('waits for a file and a directory that do not exist yet', async () => {
    const later = join(directory, 'later', 'aegis.yaml');
    watch(later, { settle: 20, poll: 30 });
    mkdirSync(join(directory, 'later'));
    writeFileSync(later, 'one');
    await changes.next();
    expect(changes.count).toBe(1);
  });

  it('does not care about neighbours, until they belong to the configuration', async () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'one');
    const watcher = watch();
    writeFileSync(secret, 'two');
    writeFileSync(file, 'two');
    await changes.next();
    expect(changes.count).toBe(1);
    watcher.watch([file, secret]);
    writeFileSync(secret, 'three');
    await changes.next();
    watcher.watch([]);
    writeFileSync(secret, 'four');
    writeFileSync(file, 'three');
    await changes.next();
    expect(changes.count).toBe(3);
  });

  it('does not lose a change that happens while others are added to what it watches', async () => {
    const watcher = watch();
    writeFileSync(file, 'two');
    watcher.watch([join(directory, 'other')]);
    await changes.next();
    expect(changes.count).toBe(1);
  });

  it('goes on when following a change fails, in both ways', async () => {
    const errors: unknown[] = [];
    const follow = (): Promise<void> | undefined => {
      changes.hear();
      if (changes.count === 1) throw new Error('first');
      return changes.count === 2 ? Promise.reject(new Error('second')) : undefined;
    };
    open.push(new ConfigWatcher(file, follow, { settle: 20, onError: (error) => errors.push(error) }));
    for (const content of ['two', 'three', 'four']) {
      writeFileSync(file, content);
      await changes.next();
    }
    expect(errors.map(String)).toEqual(['Error: first', 'Error: second']);
  });

  it('is silent once it is closed, also in the middle of a change', async () => {
    const watcher = watch();
    watch(file, { settle: 60, poll: 600_000 });
    const first = new Changes();
    const quiet = new ConfigWatcher(file, first.hear, { settle: 20, poll: 30 });
    writeFileSync(file, 'two');
    quiet.close();
    watcher.close();
    watcher.close();
    await changes.next();
    expect([first.count, changes.count]).toEqual([0, 1]);
  });
});
