export {
  type AuthConfig,
  type Config,
  type CorsConfig,
  type GatewayConfig,
  type JwtConfig,
  type RateLimitingConfig,
  type RateLimitRule,
  type RouteConfig,
  type UpstreamConfig,
  type UpstreamShare,
} from './compile/config.js';
export { type AuthMethod, type AuthRequirement } from './model/auth-requirement.js';
export { type AlertConfig } from './model/alert.js';
export { type ConsumerConfig } from './model/auth.js';
export { type IpRules } from './model/edges.js';
export { privateKey } from './model/identity.js';
export { type LimitsConfig } from './model/gateway.js';
export { type LogsConfig } from './model/monitoring.js';
export { type NotifyChannel } from './model/notify.js';
export { type RateLimitAlgorithm, type RateLimitKey } from './model/rate-limiting.js';
export {
  type CacheConfig,
  type HeaderChanges,
  type RedirectConfig,
  type RespondConfig,
  type RewriteConfig,
} from './model/route.js';
export { type ClientTls, type ServerTls } from './model/tls.js';
export {
  type ActiveHealth,
  type BreakerConfig,
  BUILTIN_DEMO,
  type Fault,
  type HealthConfig,
  type PassiveHealth,
  type RetryConfig,
  type TargetConfig,
  type TimeoutsConfig,
} from './model/upstream.js';
export { Secret } from './secrets/secret.js';
export { reservedPaths } from './compile/reserved.js';
export { formatMistakes, mistakeLine } from './format-mistakes.js';
export { type Environment } from './input/substitute.js';
export { loadConfig, type LoadedConfig, type LoadOptions, loadUnexamined, type RefusedConfig } from './load.js';
export { areHarmless } from './expressions/explosive.js';
export { type Expression } from './schema/schema.js';
export { escaped, maskedConfig, maskedYaml } from './masked.js';
export { type Mistake, showPath } from './mistakes.js';
export { decryptSecret, encryptSecret, storageKey } from './secrets/cipher.js';
export { entitySchema } from './generate/entity-schema.js';
export { configurationSchema } from './generate/json-schema.js';
export { configurationReference } from './generate/reference.js';
export { ConfigWatcher } from './watcher.js';
export { readDocument, type ReadDocument } from './entities/document.js';
export { ENTITY_KINDS, type Entity, type EntityKind, FILE_IP_RULES, entityNoun } from './entities/kinds.js';
export { entitiesOf } from './entities/listed.js';
export { fromPieces, type Piece, piecesOf } from './entities/pieces.js';
export { mergeEntities, type MergedConfig, type Misfit, misfitsAmong } from './entities/merge.js';
export {
  type EntityMistake,
  examineEntities,
  examineExpressions,
  hasMask,
  maskedSpec,
  nameForEntity,
  readEntity,
  shownMeaning,
  unmasked,
  wholeMeaning,
} from './entities/read.js';
export { Seal } from './entities/seal.js';
export { nearest } from './schema/nearest.js';
