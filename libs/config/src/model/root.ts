import { boolean, integer, object, optional, type Out, required, withDefault } from '../schema/index.js';
import { auth } from './auth.js';
import { gateway, listenHost } from './gateway.js';
import { ml, nlQuery } from './ml.js';
import { monitoring } from './monitoring.js';
import { rateLimiting } from './rate-limiting.js';
import { database, redis } from './stores.js';

const admin = object({
  port: optional(
    integer({ min: 0, max: 65_535 }),
    'Port of its own; the gateway’s port then serves routes (and `/health`) only. Absent: on the gateway’s port, under reserved paths.',
    { example: 9090 },
  ),
  host: withDefault(listenHost, '127.0.0.1', 'Address of that port.'),
  console: withDefault(boolean(), true, 'Serve the console.'),
});

/** Every setting of Aegis: types, validation, the JSON Schema and the reference come from here. */
export const root = object({
  gateway: required(gateway, 'The way of a request.'),
  rateLimiting: withDefault(rateLimiting, {}, 'How often who may call.'),
  auth: withDefault(auth, {}, 'Who is calling, and what may they do.'),
  monitoring: withDefault(monitoring, {}, 'What is recorded, and whom it is told.'),
  ml: withDefault(ml, {}, 'Anomalies and recommended limits.'),
  nlQuery: withDefault(nlQuery, {}, 'Questions in plain language.'),
  admin: withDefault(admin, {}, 'The admin API and the console.'),
  database: withDefault(database, {}, 'PostgreSQL.'),
  redis: withDefault(redis, {}, 'Redis.'),
});

/** A configuration as it was written: units and shorthands resolved, nothing merged yet. */
export type Declared = Out<typeof root>;
