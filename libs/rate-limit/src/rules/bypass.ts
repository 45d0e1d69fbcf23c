import { type RateLimitingConfig } from '#config';
import { CidrSet, type Exchange } from '#kernel';
import { compileHeaders, type HeaderTest } from './header-test.js';
import { PathIndex } from './path-index.js';
import { hasOneOf } from './scope.js';

/** Addresses whose answer is remembered; past that many they are all asked for again. */
const REMEMBERED = 10_000;

/** Who is never limited: whoever fits one of the lists. Header fields count only all together. */
export class Bypass {
  private readonly ips: CidrSet;
  /** Asking a list of CIDRs costs more than the rest of a check; addresses come again and again. */
  private readonly known = new Map<string, boolean>();
  private readonly consumers: ReadonlySet<string>;
  private readonly roles: ReadonlySet<string>;
  private readonly paths: PathIndex<true> | null;
  private readonly headers: readonly HeaderTest[];

  constructor(config: RateLimitingConfig['bypass']) {
    this.ips = new CidrSet(config.ips);
    this.consumers = new Set(config.consumers);
    this.roles = new Set(config.roles);
    this.paths = config.paths.length === 0 ? null : new PathIndex(config.paths.map((path) => [path, true] as const));
    this.headers = compileHeaders(config.header);
  }

  covers(exchange: Exchange): boolean {
    const { principal, req } = exchange;
    if (this.ips.size > 0 && this.coversAddress(exchange.clientIp)) return true;
    if (principal && this.consumers.size > 0 && this.consumers.has(principal.consumer)) return true;
    if (principal && this.roles.size > 0 && hasOneOf(principal.roles, this.roles)) return true;
    if (this.paths !== null && this.coversPath(this.paths, exchange)) return true;
    return this.headers.length > 0 && this.headers.every((test) => test(req.headers));
  }

  /** In whatever way an upstream reads it. */
  private coversPath(paths: PathIndex<true>, { path, otherReadings }: Exchange): boolean {
    return paths.has(path) && otherReadings.every((reading) => paths.has(reading));
  }

  private coversAddress(address: string): boolean {
    const known = this.known.get(address);
    if (known !== undefined) return known;
    if (this.known.size >= REMEMBERED) this.known.clear();
    const covered = this.ips.has(address);
    this.known.set(address, covered);
    return covered;
  }
}
