export { type ClientRequest, type ClientResponse } from './client-message.js';
export { type Clock, systemClock } from './clock.js';
export { DURATION_PATTERN, formatDuration, parseDuration } from './duration.js';
export { MASK } from './mask.js';
export { soon } from './soon.js';
export { formatSize, parseSize, SIZE_PATTERN } from './size.js';
export { isRequestId, randomHex, uuidv7 } from './ids.js';
export { CidrSet, checkCidr, unmapped } from './cidr.js';
export {
  type ErrorCode,
  errorCatalogue,
  type FieldError,
  type Problem,
  PROBLEM_TYPE_BASE,
  problem,
  Refusal,
} from './errors.js';
export { otherReadingsOf, type ReadablePath } from './path-readings.js';
export { Steps } from './steps.js';
export { admits, raise, type Verdict } from './admits.js';
export { bodyFollows, type ClientConnection, clientIsSecure } from './client-connection.js';
export {
  type BodyCheck,
  type Call,
  Exchange,
  type LimitUse,
  type ListenerInfo,
  type Principal,
  type RouteInfo,
  type Upgrade,
} from './exchange.js';
