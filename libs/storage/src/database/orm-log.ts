import { type Logger } from 'typeorm';
import { type StorageLog } from '../storage-error.js';

/** TypeORM would write to the console. Queries are not logged: whoever sent one is told how it went. */
export class OrmLog implements Logger {
  constructor(private readonly storageLog: StorageLog) {}

  logQuery(): void {
    // See above.
  }

  logQueryError(): void {
    // See above.
  }

  logQuerySlow(): void {
    // See above.
  }

  logSchemaBuild(message: string): void {
    this.storageLog.debug(message);
  }

  logMigration(message: string): void {
    this.storageLog.debug(message);
  }

  log(level: 'log' | 'info' | 'warn', message: unknown): void {
    if (level === 'warn') this.storageLog.warn(String(message));
    else this.storageLog.debug(String(message));
  }
}
