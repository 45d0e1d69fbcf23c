import {
  boolean,
  integer,
  list,
  object,
  optional,
  orOff,
  type Out,
  percentage,
  size,
  text,
  wait,
  duration,
  withDefault,
  word,
} from '../schema/index.js';
import { alert } from './alert.js';
import { channel } from './notify.js';
import { filePath, headerName, path, url } from './values.js';

const days = integer({ min: 1, max: 36_500 });

const logs = object({
  level: withDefault(
    word('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'What is written; may be changed at run time.',
  ),
  format: withDefault(
    word('auto', 'json', 'pretty'),
    'auto',
    '`auto`: one JSON object a line, or pretty when stdout is a terminal.',
  ),
  access: withDefault(boolean(), true, 'One line for each request.'),
  file: optional(filePath, 'File to write to instead of stdout. Relative to the working directory.', {
    example: './logs/aegis.log',
  }),
  rotate: withDefault(
    object({
      size: withDefault(size({ min: 1024 }), '100mb', 'A file that grows beyond this is put aside.'),
      keep: withDefault(integer({ min: 0, max: 10_000 }), 7, 'Files put aside that are kept.'),
    }),
    {},
    'Rotation of `file`.',
  ),
});
export type LogsConfig = Out<typeof logs>;

const spool = object({
  dir: withDefault(filePath, './data/spool', 'Directory. Below `./data` it moves with `--data-dir`.'),
  max: withDefault(size({ min: 1024 ** 2 }), '256mb', 'Most that is kept; the oldest rows go first.'),
});

export const monitoring = object({
  metricsEnabled: withDefault(boolean(), true, 'Record requests at all.'),
  sample: withDefault(
    percentage(),
    '100%',
    'Share of raw rows that are kept; counters and percentiles always see every request.',
  ),
  flush: withDefault(wait({ min: 100 }), '10s', 'Rows are written at least this often.'),
  batch: withDefault(integer({ min: 1, max: 100_000 }), 5000, 'Rows written at once.'),
  spool: withDefault(orOff(spool), {}, 'Where rows wait while the database is away, and after a crash.'),
  retentionDays: withDefault(days, 30, 'Days that raw rows are kept.'),
  rollups: withDefault(
    object({
      minute: withDefault(duration({ min: 3_600_000 }), '30d', 'How long figures by the minute are kept.'),
      hour: withDefault(duration({ min: 3_600_000 }), '400d', 'How long figures by the hour are kept.'),
    }),
    {},
    'Summaries that outlive the raw rows.',
  ),
  anonymizeIp: withDefault(
    boolean(),
    false,
    'Zero the last octet (IPv6: the last 80 bits) before anything is stored or logged.',
  ),
  redact: withDefault(
    object({
      headers: withDefault(
        list(headerName),
        ['authorization', 'cookie', 'x-api-key'],
        'Headers that are never stored or logged.',
      ),
      query: withDefault(
        list(text({ words: 'parameter name' })),
        ['token', 'key'],
        'Query parameters that are never stored or logged.',
      ),
    }),
    {},
    'What is left out of rows and logs.',
  ),
  prometheus: withDefault(
    object({
      enabled: withDefault(boolean(), true, 'Serve metrics for Prometheus.'),
      path: withDefault(path, '/metrics', 'Where.'),
      public: withDefault(boolean(), true, '`false`: whoever asks needs an admin credential.'),
    }),
    {},
    'Prometheus.',
  ),
  tracing: withDefault(
    object({
      enabled: withDefault(boolean(), false, 'Send spans.'),
      endpoint: withDefault(url('http:', 'https:'), 'http://localhost:4318', 'OTLP/HTTP collector.'),
      sample: withDefault(percentage(), '10%', 'Share of traces that begin here and are kept.'),
      propagate: withDefault(boolean(), true, 'Pass `traceparent` on and make one where there is none.'),
    }),
    {},
    'OpenTelemetry.',
  ),
  logs: withDefault(logs, {}, 'Logs of Aegis.'),
  audit: withDefault(
    object({
      enabled: withDefault(boolean(), true, 'Record who changed what.'),
      retentionDays: withDefault(days, 365, 'Days that entries are kept.'),
    }),
    {},
    'Audit of the admin API.',
  ),
  alerts: withDefault(list(alert), [], 'When to raise an alert.'),
  notify: withDefault(list(channel), [], 'Whom to tell.'),
});
