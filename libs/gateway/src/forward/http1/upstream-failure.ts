/** What became of an exchange with a target that did not end in a response. Expected on a data plane, so no stack is captured. */
export class UpstreamFailure {
  constructor(
    readonly kind: FailureKind,
    /** For the log: may name addresses. */
    readonly message: string,
  ) {}
}

/**
 * `connect`: nothing was sent. `stale`: a kept connection was closed before a byte of the response came, so the request
 * was most likely never read. `reset`: it broke later. `protocol`: what came is not HTTP.
 */
export type FailureKind = 'connect' | 'connect-timeout' | 'stale' | 'reset' | 'protocol' | 'timeout';
