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
 * Over HTTP/2, `refused`: the target has said that it did not look at the request. `version`: it does not speak HTTP/2.
 */
export type FailureKind =
  'connect' | 'connect-timeout' | 'version' | 'stale' | 'refused' | 'reset' | 'protocol' | 'timeout';
