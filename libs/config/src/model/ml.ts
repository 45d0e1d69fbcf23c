import {
  boolean,
  integer,
  list,
  number,
  object,
  optional,
  orOff,
  percentage,
  required,
  secret,
  text,
  wait,
  withDefault,
  word,
} from '../schema/index.js';
import { cidr, cron, url } from './values.js';

const web = url('https:', 'http:');
const score = number({ min: 0, max: 1 });

export const ml = object({
  enabled: withDefault(boolean(), true, 'Watch traffic for what is unusual.'),
  endpoint: optional(web, 'Engine elsewhere. Absent: it runs inside Aegis, on its own thread.', {
    example: 'http://ml:5001',
  }),
  timeout: withDefault(wait(), '500ms', 'How long an engine elsewhere may take.'),
  window: withDefault(
    wait({ min: 1000 }),
    '10s',
    'Features are gathered per consumer, route and address over this long.',
  ),
  action: withDefault(
    word('observe', 'shadow', 'throttle', 'block'),
    'observe',
    'What a high score does: `observe` (record it), `shadow` (report what would be done), `throttle`, `block`.',
  ),
  thresholds: withDefault(
    object({
      throttle: withDefault(score, 0.8, 'Score from which a caller is throttled.'),
      block: withDefault(score, 0.95, 'Score from which a caller is blocked.'),
    }),
    {},
    'Scores from 0 to 1.',
  ),
  block: withDefault(
    object({
      for: withDefault(wait({ min: 1000 }), '15m', 'How long a block lasts.'),
      maxShare: withDefault(percentage(), '5%', 'Never more of the callers than this are blocked at once.'),
      protect: withDefault(
        object({
          ips: withDefault(list(cidr), [], 'Addresses.'),
          consumers: withDefault(list(text({ words: 'name' })), [], 'Consumers.'),
        }),
        {},
        'Who is never blocked.',
      ),
      minRequests: withDefault(integer({ min: 1 }), 50, 'Requests in a window below which nobody is judged.'),
      warmup: withDefault(wait({ min: 0 }), '1h', 'After the first start, only learn for this long.'),
    }),
    {},
    'How blocking is held back.',
  ),
  retrain: withDefault(orOff(cron), '0 3 * * 0', 'When the models are trained again, in UTC.'),
  limits: withDefault(
    object({
      recommend: withDefault(boolean(), true, 'Recommend rate limits.'),
      apply: withDefault(word('manual', 'shadow', 'auto'), 'manual', 'What happens to a recommendation.'),
      floor: withDefault(integer({ min: 1 }), 10, 'No limit is recommended below this.'),
      ceiling: withDefault(integer({ min: 1 }), 100_000, 'No limit is recommended above this.'),
      maxStep: withDefault(percentage({ min: 0.01, max: 10 }), '50%', 'Most that a limit changes at once.'),
      rollbackOn: withDefault(
        object({ errorRate: withDefault(percentage(), '5%', 'Share of errors.') }),
        {},
        'A limit that was applied is taken back above this.',
      ),
    }),
    {},
    'Recommended rate limits.',
  ),
});

const llm = object({
  url: required(web, 'Base URL of an OpenAI-compatible API.', { example: 'https://llm.example.com/v1' }),
  model: required(text({ words: 'model' }), 'Model to ask for.'),
  apiKey: optional(secret(), 'Its key.', { example: '${LLM_KEY}' }),
});

export const nlQuery = object({
  enabled: withDefault(boolean(), true, 'Answer questions in plain language.'),
  timeout: withDefault(wait(), '5s', 'For the query that a question becomes.'),
  maxRows: withDefault(integer({ min: 1, max: 100_000 }), 1000, 'Rows in an answer.'),
  llm: optional(
    orOff(llm),
    'A language model to read questions with. Absent: Aegis reads them itself. Its plan is checked like every other.',
  ),
});
