import { type Type } from '@nestjs/common';
import { type Config, ENTITY_KINDS } from '#config';
import { AuditController } from '../audit/audit.controller.js';
import { ConfigController } from './config/config.controller.js';
import { entityController } from './entities/entity.controller.js';
import { KeySetController } from './key-set.controller.js';
import { KeysController } from './keys/keys.controller.js';
import { LimitMetricsController } from './limit-metrics.controller.js';
import { LimitsController } from './limits.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { prometheusController } from './prometheus.controller.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { LoginController } from './sign-in/login.controller.js';
import { TokenController } from './sign-in/token.controller.js';
import { StatusController } from './status.controller.js';
import { TargetsController } from './targets.controller.js';

/** Everything that is served beside proxying and health checks. The OpenAPI document is made from the same list. */
export function adminControllers(prometheus: Config['monitoring']['prometheus']): Type<unknown>[] {
  return [
    AuditController,
    StatusController,
    KeySetController,
    TargetsController,
    LimitsController,
    LimitMetricsController,
    ...ENTITY_KINDS.map(entityController),
    KeysController,
    ConfigController,
    SessionsController,
    TokenController,
    LoginController,
    OpenApiController,
    ...(prometheus.enabled ? [prometheusController(prometheus)] : []),
  ];
}
