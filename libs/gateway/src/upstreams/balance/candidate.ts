/** What a balancer has to know of a target. All of it is read at the moment of the choice; nothing is cached between two. */
export interface Candidate {
  /** Host and port: the same in every process, so that all of them hash alike. */
  readonly id: string;
  /** Requests that were sent and are not over. */
  readonly inFlight: number;
  /** Whether it may be chosen. `ignoreHealth`: checks and ejections don't count, the breaker and a weight of 0 do. */
  available(now: number, ignoreHealth: boolean): boolean;
  /** Its weight, or less while it starts slowly. Above 0 whenever it is available. */
  share(now: number): number;
  /** What it is expected to take, in milliseconds; 0 when that is not known. */
  latency(now: number): number;
}

/** Chooses one of the targets that it was made with. It only reads: counting requests is the caller's. */
export interface Balancer<T extends Candidate> {
  /** `tried` are left out, `key` matters to `hash` alone. `undefined`: there is nothing to choose from. */
  choose(now: number, tried: readonly T[], key: string | undefined, ignoreHealth: boolean): T | undefined;
}

export function eligible<T extends Candidate>(
  candidate: T,
  now: number,
  tried: readonly T[],
  ignoreHealth: boolean,
): boolean {
  return candidate.available(now, ignoreHealth) && (tried.length === 0 || !tried.includes(candidate));
}
