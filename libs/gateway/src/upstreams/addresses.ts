import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Target } from './target.js';
import { type Upstream } from './upstream.js';

/** A target of the configuration, and how a target is made for one address of its name. */
export interface NamedTarget {
  readonly host: string;
  /** Milliseconds between two look-ups; null: the name is looked up by the system when a connection is opened. */
  readonly resolve: number | null;
  make(address: string): Target;
  /** Hears when the name cannot be looked up any more, and when it can again. */
  news(text: string): void;
}

type LookUp = (host: string) => Promise<readonly string[]>;

const lookUpAll: LookUp = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * Keeps the targets of an upstream in step with the addresses of their names. A name that cannot be looked up keeps the
 * addresses that it had: a DNS that is away takes nothing out of service.
 */
export class Addresses {
  private readonly known = new Map<NamedTarget, Map<string, Target>>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly lost = new Set<NamedTarget>();

  constructor(
    private readonly upstream: Upstream,
    named: readonly NamedTarget[],
    private readonly changed: () => void,
    private readonly lookUp: LookUp = lookUpAll,
  ) {
    for (const one of named) {
      this.known.set(one, new Map([[one.host, one.make(one.host)]]));
      if (one.resolve !== null && isIP(one.host) === 0) this.follow(one, one.resolve);
    }
    this.publish();
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private follow(one: NamedTarget, every: number): void {
    this.timers.add(setInterval(() => void this.look(one), every).unref());
    void this.look(one);
  }

  private async look(one: NamedTarget): Promise<void> {
    const addresses = new Set(await this.lookUp(one.host).catch((error: unknown) => this.missed(one, error)));
    if (addresses.size > 0 && this.lost.delete(one)) one.news(`${one.host} can be looked up again`);
    const before = this.known.get(one) ?? new Map<string, Target>();
    if (addresses.size === 0 || sameKeys(before, addresses)) return;
    this.known.set(one, new Map([...addresses].map((address) => [address, before.get(address) ?? one.make(address)])));
    this.publish();
  }

  /** Said once: it is no news the next time. */
  private missed(one: NamedTarget, error: unknown): [] {
    if (this.lost.has(one)) return [];
    this.lost.add(one);
    one.news(`${one.host} cannot be looked up (${String(error)}); the addresses that are known go on`);
    return [];
  }

  private publish(): void {
    const targets = [...this.known.values()].flatMap((byAddress) => [...byAddress.values()]);
    this.upstream.setTargets(targets, performance.now());
    this.changed();
  }
}

function sameKeys(map: ReadonlyMap<string, unknown>, keys: ReadonlySet<string>): boolean {
  return map.size === keys.size && [...map.keys()].every((key) => keys.has(key));
}
