import { type ErrorCode } from '#kernel';
import { type NoTarget } from '../upstreams/select-target.js';
import { type FailureKind } from './http1/upstream-failure.js';

/** What the client is told when the target has failed. */
export const CODE: Readonly<Record<FailureKind, ErrorCode>> = {
  connect: 'upstream_unreachable',
  'connect-timeout': 'upstream_timeout',
  version: 'upstream_unreachable',
  stale: 'upstream_reset',
  refused: 'upstream_reset',
  reset: 'upstream_reset',
  protocol: 'upstream_reset',
  timeout: 'upstream_timeout',
};

export const DETAIL: Readonly<Record<FailureKind, string>> = {
  connect: 'The target refused the connection or could not be found.',
  'connect-timeout': 'The target did not accept a connection in time.',
  version: 'The target does not speak HTTP/2, which its upstream is set to.',
  stale: 'The target closed the connection before it answered.',
  refused: 'The target did not take the request.',
  reset: 'The target closed the connection before its answer was complete.',
  protocol: 'What the target answered is not valid HTTP.',
  timeout: 'The target did not answer in time.',
};

/** And when there was none. */
export const NO_TARGET: Readonly<Record<NoTarget, string>> = {
  no_healthy_upstream: 'Every target of the upstream is out of rotation.',
  circuit_open: 'Every target of the upstream has failed too often of late and is given a rest.',
};
