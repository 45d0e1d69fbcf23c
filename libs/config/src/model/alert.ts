import { type InputNode } from '../input/node.js';
import { formatPercentage, object, optional, type Out, required, wait, withDefault, word } from '../schema/index.js';
import { found } from '../schema/scalars.js';
import { type JsonSchema, type Place, Schema } from '../schema/schema.js';
import { formatDuration, parseDuration } from '#kernel';
import { name } from './values.js';

export const severity = word('info', 'warning', 'critical');

const metric = word(
  'error-rate',
  'latency-avg',
  'latency-p50',
  'latency-p90',
  'latency-p95',
  'latency-p99',
  'throughput',
  'rate-limit-rejections',
  'anomaly-score',
);
export type AlertMetric = Out<typeof metric>;

type Unit = 'share' | 'time' | 'number';
interface Threshold {
  readonly unit: Unit;
  readonly value: number;
}

/** A percentage, a duration or a number, whichever the metric is measured in. */
class ThresholdSchema extends Schema<Threshold> {
  readonly blank: Threshold = { unit: 'number', value: 0 };
  readonly words = 'percentage, duration or number';

  read(node: InputNode, place: Place): Threshold {
    if (node.kind === 'scalar' && node.value !== null) {
      const written = node.source.trim();
      const share = /^(\d+(?:\.\d+)?)%$/.exec(written)?.[1];
      if (share !== undefined) return { unit: 'share', value: Number(share) / 100 };
      const time = parseDuration(written);
      if (time !== undefined) return { unit: 'time', value: time };
      if (/^\d+(\.\d+)?$/.test(written)) return { unit: 'number', value: Number(written) };
    }
    place.wrong(`${found(node)} is not a ${this.words}`, { allowed: 'such as 5%, 500ms or 0.8' });
    return this.blank;
  }

  write({ unit, value }: Threshold): unknown {
    if (unit === 'number') return value;
    return unit === 'share' ? formatPercentage(value) : formatDuration(value);
  }

  json(): JsonSchema {
    return { type: ['string', 'number'] };
  }
}

const UNIT_WORDS: Readonly<Record<Unit, string>> = {
  share: 'a percentage such as 5%',
  time: 'a duration such as 500ms',
  number: 'a number such as 0.8',
};

function unitOf(of: AlertMetric): Unit {
  if (of.startsWith('latency')) return 'time';
  return of === 'error-rate' || of === 'rate-limit-rejections' ? 'share' : 'number';
}

export const alert = object({
  name: required(name, 'What the alert is called.', { example: 'high-error-rate' }),
  metric: required(
    metric,
    'What is watched: `error-rate`, `latency-avg|p50|p90|p95|p99`, `throughput` (requests per second), `rate-limit-rejections` (share of the requests checked), `anomaly-score` (0 to 1).',
  ),
  above: required(
    new ThresholdSchema(),
    'Raised when it is above this: a percentage, a duration or a number, as the metric is measured.',
    {
      example: '5%',
    },
  ),
  for: withDefault(wait({ min: 0 }), '1m', '… for at least this long.'),
  over: withDefault(wait(), '5m', 'The stretch of time that the metric is taken over.'),
  severity: withDefault(severity, 'warning', 'How bad it is.'),
  route: optional(name, 'Only this route. Absent: the whole gateway.', { example: 'users' }),
}).to(
  (value, place) => {
    const unit = unitOf(value.metric);
    // 0.8 for a share and 500 for a time would be guesses at what was meant.
    if (value.above.unit !== unit)
      place.down('above', place.origin).wrong(`${value.metric} is measured otherwise`, { allowed: UNIT_WORDS[unit] });
    return { ...value, above: value.above.value };
  },
  (value) => ({ ...value, above: { unit: unitOf(value.metric), value: value.above } }),
);
export type AlertConfig = Out<typeof alert>;
