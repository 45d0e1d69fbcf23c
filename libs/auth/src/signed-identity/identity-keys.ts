import { type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Clock, Refusal } from '#kernel';
import { type IdentityTokens } from './identity-tokens.js';
import { type KeptIdentityKeys, type KeptKey } from './kept-identity-keys.js';
import { type PublicJwk, type SigningKey } from './signing-key.js';
import { type StoredIdentityKeys } from './stored-identity-keys.js';

const ASKED_EVERY_MS = 5_000;
/** So long a request waits for the database. */
const PATIENCE_MS = 2_000;
/** After a failure nobody asks for this long. */
const REST_MS = 1_000;

interface Held {
  readonly jwk: PublicJwk;
  readonly key: SigningKey | null;
  /** Monotonic milliseconds. */
  readonly startsAt: number;
}

/**
 * The keys of signed identities: those of the configuration, else those that all instances share in the database, which
 * are asked about every few seconds. While the database is away, those that are known go on, or those that were kept.
 */
export class IdentityKeys implements OnApplicationBootstrap, OnApplicationShutdown {
  /** The one that starts first on top. */
  private held: readonly Held[] = [];
  private asking: Promise<void> | null = null;
  private restUntil = -Infinity;
  private failing = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private recalled = false;
  private unwritten = false;

  constructor(
    private readonly stored: Pick<StoredIdentityKeys, 'current'>,
    /** Of the configuration that is served; null: nothing is signed. */
    private readonly tokens: () => IdentityTokens | null,
    private readonly clock: Clock,
    private readonly tell: (news: string) => void,
    /** On disk; null: nothing is. */
    private readonly kept: Pick<KeptIdentityKeys, 'read' | 'write'> | null = null,
  ) {}

  /** With which to sign now; null: none is known yet. */
  keyFor({ own }: IdentityTokens): SigningKey | null {
    return own[0] ?? this.newest();
  }

  private newest(): SigningKey | null {
    const now = this.clock.monotonic();
    let first: SigningKey | null = null;
    for (let i = this.held.length - 1; i >= 0; i--) {
      const { key, startsAt } = this.held[i] as Held;
      if (key === null) continue;
      if (startsAt <= now) return key;
      first = key;
    }
    return first;
  }

  /** For a request that finds no key: fetches them, or makes the first. */
  async prepare(tokens: IdentityTokens): Promise<void> {
    await this.askPatiently(tokens);
    if (this.newest() === null) {
      throw new Refusal('store_unavailable', 'The database with the keys that identities are signed with is away.');
    }
  }

  /** What upstreams verify with. */
  async published(): Promise<readonly PublicJwk[]> {
    const tokens = this.tokens();
    if (tokens !== null && this.keyFor(tokens) === null) await this.prepare(tokens);
    const all = [...(tokens?.own ?? []), ...this.held].map(({ jwk }) => jwk);
    return [...new Map(all.map((jwk) => [jwk.kid, jwk])).values()];
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.askPatiently(this.tokens());
    this.askLater();
  }

  private async askPatiently(tokens: IdentityTokens | null): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)));
    await Promise.race([this.ask(tokens), late]).finally(() => clearTimeout(timer));
    // It may hang as well as be away.
    if (tokens !== null && tokens.own.length === 0) this.recall();
  }

  /** Once, when none is known. */
  private recall(): void {
    if (this.recalled || this.held.length > 0) return;
    this.recalled = true;
    this.hold(this.kept?.read() ?? []);
    if (this.held.length > 0) this.tell('identities are signed with the keys that were kept on disk');
  }

  private hold(keys: readonly KeptKey[]): void {
    const now = this.clock.monotonic();
    this.held = keys.map(({ jwk, key, startsIn }) => ({ jwk, key, startsAt: now + startsIn }));
  }

  private askLater(): void {
    if (this.closed) return;
    this.timer = setTimeout(() => void this.ask(this.tokens()).finally(() => this.askLater()), ASKED_EVERY_MS).unref();
  }

  /** Never fails: what is known stays. */
  private async ask(tokens: IdentityTokens | null): Promise<void> {
    if (tokens === null || tokens.own.length > 0 || this.clock.monotonic() < this.restUntil) return;
    this.asking ??= this.read(tokens).finally(() => (this.asking = null));
    await this.asking;
  }

  private async read(tokens: IdentityTokens): Promise<void> {
    try {
      const keys = await this.stored.current(tokens);
      this.hold(keys);
      void this.kept?.write(keys).then(
        () => (this.unwritten = false),
        (error: unknown) => this.notWritten(error),
      );
      if (this.failing) this.tell('the keys of signed identities are read again');
      this.failing = false;
    } catch (error) {
      this.restUntil = this.clock.monotonic() + REST_MS;
      this.recall();
      const so = this.newest() === null ? 'nothing can be signed' : 'the one that is known goes on';
      if (!this.failing) this.tell(`the keys of signed identities cannot be read, ${so}: ${String(error)}`);
      this.failing = true;
    }
  }

  private notWritten(error: unknown): void {
    if (!this.unwritten) this.tell(`the keys of signed identities are not kept on disk: ${String(error)}`);
    this.unwritten = true;
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
