import { Client } from 'pg';
import { type StorageLog } from '../storage-error.js';
import { type DatabaseAddress } from './database-url.js';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Hears what is announced on a channel, on a connection of its own that is made again whenever it breaks. Announcements
 * made meanwhile are lost, so `heard` is also called each time that it listens again.
 */
export class Notifications {
  private client: Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wait = FIRST_WAIT_MS;
  private closed = false;

  constructor(
    private readonly address: Pick<DatabaseAddress, 'url' | 'ssl'>,
    private readonly channel: string,
    private readonly heard: () => void,
    private readonly log: StorageLog,
  ) {
    void this.open();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.client?.end().catch(() => undefined);
  }

  private async open(): Promise<void> {
    const client = new Client({
      connectionString: this.address.url,
      ssl: this.address.ssl,
      application_name: 'aegis',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    this.client = client;
    let over = false;
    const lost = (error?: Error): void => {
      if (over) return;
      over = true;
      client.end().catch(() => undefined);
      this.again(error);
    };
    client.on('error', lost);
    client.on('end', () => lost());
    client.on('notification', this.heard);
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.channel)}`);
      this.wait = FIRST_WAIT_MS;
      this.heard();
    } catch (error) {
      lost(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private again(error: Error | undefined): void {
    if (this.closed) return;
    this.log.debug(`announcements of PostgreSQL are not heard now: ${error?.message ?? 'the connection ended'}`);
    // Instances that lost it together do not come back together.
    const wait = this.wait * (0.5 + Math.random());
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    this.timer = setTimeout(() => void this.open(), wait).unref();
  }
}
