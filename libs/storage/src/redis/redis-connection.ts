import { EventEmitter } from 'node:events';
import { type Cluster, type Redis } from 'ioredis';
import { messageOf, type StorageLog } from '../storage-error.js';
import { createClient, type RedisOptions } from './redis-client.js';

export type RedisState = 'connected' | 'disconnected';

const PROBE_TIMEOUT_MS = 1_000;
const MOST_REASONS = 5;

/**
 * The connection to Redis: it opens in the background, comes back by itself, and says in between that it is away.
 * While it is, every command fails at once.
 */
export class RedisConnection {
  #state: RedisState = 'disconnected';
  #closed = false;
  /** The reasons that were logged since it was last there; told once, they are no news. */
  readonly #told = new Set<string>();
  readonly #changes = new EventEmitter<{ change: [RedisState] }>();

  private constructor(
    readonly client: Redis | Cluster,
    private readonly log: StorageLog,
  ) {
    client.on('ready', () => this.#up());
    client.on('close', () => {
      if (this.#state === 'connected') this.#down('the connection closed');
    });
    client.on('error', (error: unknown) => this.#down(reasonOf(error)));
    // Not every failure has an error of its own, but every failure leads here.
    client.on('reconnecting', () => {
      if (this.#told.size === 0) this.#down('no connection');
    });
    void client.connect().catch(() => undefined);
  }

  /** Null when none is configured. Fails on options that can never work; a Redis that is away is no failure. */
  static open(options: RedisOptions, log: StorageLog): RedisConnection | null {
    const client = createClient(options);
    return client && new RedisConnection(client, log);
  }

  get state(): RedisState {
    return this.#state;
  }

  onChange(listener: (state: RedisState) => void): void {
    this.#changes.on('change', listener);
  }

  /** Asks it: one that hangs still looks connected for a while. */
  async probe(timeout = PROBE_TIMEOUT_MS): Promise<RedisState> {
    if (this.#state === 'disconnected') return 'disconnected';
    const answer = this.client.ping().then(
      (): RedisState => 'connected',
      (): RedisState => 'disconnected',
    );
    return await Promise.race([answer, after(timeout)]);
  }

  close(): void {
    this.#closed = true;
    this.#set('disconnected');
    this.client.disconnect();
  }

  #up(): void {
    this.log.info('Redis is connected');
    this.#told.clear();
    this.#set('connected');
  }

  #down(reason: string): void {
    if (this.#closed) return;
    if (!this.#told.has(reason) && this.#told.size < MOST_REASONS) {
      this.#told.add(reason);
      this.log.warn(`Redis is away (${reason}); trying again`);
    }
    this.#set('disconnected');
  }

  #set(state: RedisState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#changes.emit('change', state);
  }
}

/** A cluster's own error only says that it failed; why, its last node knows. */
function reasonOf(error: unknown): string {
  const inner: unknown = error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : undefined;
  const message = messageOf(inner ?? error);
  // Several addresses were tried: the message is empty, the errors are inside.
  return message || (error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : 'no reason given');
}

function after(timeout: number): Promise<RedisState> {
  return new Promise((resolve) => setTimeout(() => resolve('disconnected'), timeout).unref());
}
