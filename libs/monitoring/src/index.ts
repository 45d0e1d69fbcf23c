export { type Log, type LogLevel, type LogSettings, openLog } from './logging/logger.js';
export { NestLogger } from './logging/nest-logger.js';
export { type RecordReader, RequestRecorder } from './recorder/recorder.js';
export { RequestRecord } from './recorder/request-record.js';
export { AccessLog, type AccessLogSettings } from './recorder/access-log.js';
export { type Dependency, type DependencyState, Health, Readiness } from './health/health.js';
export { HealthModule } from './health/health.module.js';
