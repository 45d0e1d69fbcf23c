import { AUDIT_CHAPTER, AUDIT_SCHEMAS } from '../../audit/audit.api.js';
import { CONFIG_CHAPTER, CONFIG_SCHEMAS } from '../config/config.api.js';
import { entityChapters, entitySchemas } from '../entities/entity.api.js';
import { KEYS_CHAPTER, KEYS_SCHEMAS } from '../keys/keys.api.js';
import { LIMITS_CHAPTER, LIMITS_SCHEMAS, METRICS_CHAPTER } from '../limits.api.js';
import { SESSIONS_CHAPTER, SESSIONS_SCHEMAS } from '../sessions/sessions.api.js';
import { SIGN_IN_CHAPTER, SIGN_IN_SCHEMAS } from '../sign-in/sign-in.api.js';
import { STATUS_CHAPTER, STATUS_SCHEMAS } from '../status.api.js';
import { type Chapter } from './description.js';
import { OPENAPI_CHAPTER } from './openapi.api.js';
import { PROBLEM_SCHEMAS } from './problems.js';
import { type Shape } from './shapes.js';

export function chapters(): readonly Chapter[] {
  return [
    STATUS_CHAPTER,
    ...entityChapters(),
    KEYS_CHAPTER,
    CONFIG_CHAPTER,
    LIMITS_CHAPTER,
    METRICS_CHAPTER,
    AUDIT_CHAPTER,
    SIGN_IN_CHAPTER,
    SESSIONS_CHAPTER,
    OPENAPI_CHAPTER,
  ];
}

export function schemas(): Readonly<Record<string, Shape>> {
  return {
    ...STATUS_SCHEMAS,
    ...entitySchemas(),
    ...KEYS_SCHEMAS,
    ...CONFIG_SCHEMAS,
    ...LIMITS_SCHEMAS,
    ...AUDIT_SCHEMAS,
    ...SIGN_IN_SCHEMAS,
    ...SESSIONS_SCHEMAS,
    ...PROBLEM_SCHEMAS,
  };
}
