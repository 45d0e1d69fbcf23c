import { RuleQuery, TopQuery, UsageQuery } from './limits-query.js';
import { membersOf } from './openapi/shape-of-class.js';
import { answer, type Chapter } from './openapi/description.js';
import { list, map, named, number, oneOf, orNull, type Shape, text, time, whole, yesOrNo } from './openapi/shapes.js';

const counts = { checked: number(), allowed: number(), rejected: number(), shadowRejected: number() };
const RULE = { rule: 'Of this rule only.' };

export const LIMITS_SCHEMAS: Readonly<Record<string, Shape>> = {
  LimitUsage: map({
    store: map({
      store: oneOf(['memory', 'redis']),
      state: oneOf(['shared', 'own', 'away'], '`own`: each instance counts for itself.'),
      since: time(),
      reason: text(),
    }),
    rules: list(map({ rule: text(), shadow: yesOrNo(), ...counts }), 'How often each was asked, by this instance.'),
    keys: list(
      map({
        rule: text(),
        key: text(),
        limit: number(),
        used: number(),
        remaining: number(),
        reset: number('Seconds until there is more; 0: nothing is used.'),
      }),
      'What the key that was asked about has used.',
    ),
  }),
  RefusedKeys: map({
    since: time('Counted from then on.'),
    items: list(
      map({
        key: text(),
        rule: text(),
        shadow: yesOrNo(),
        refused: whole(),
        error: whole('`refused` is too many by at most this.'),
      }),
    ),
    nextCursor: orNull(text()),
  }),
};

export const LIMITS_CHAPTER: Chapter = {
  title: 'Limits',
  about: 'Who is refused, how much of what is used up, and a way to let somebody in again.',
  operations: {
    'GET /api/admin/limits/usage': {
      summary: 'What the rules said, or what a key has used',
      query: membersOf(UsageQuery, { ...RULE, key: 'Such as `consumer=acme` or `ip=192.0.2.7`.' }),
      answers: { 200: answer('Counts of rules, and of the key.', named('LimitUsage')) },
    },
    'GET /api/admin/limits/top': {
      summary: 'The keys that were refused most',
      more: 'By this instance, in the last half hour to hour.',
      query: membersOf(TopQuery, { limit: 'How many.' }),
      answers: { 200: answer('The most refused first.', named('RefusedKeys')) },
    },
    'DELETE /api/admin/limits/keys/:key': {
      summary: 'Give a key its whole limit again',
      more: 'Of all rules, or of one. An address may also try credentials again.',
      path: { key: text('Such as `consumer=acme` or `ip=192.0.2.7`.') },
      query: membersOf(RuleQuery, RULE),
      answers: { 200: answer('Done.', map({ key: text(), rules: list(text(), 'Which count anew.') })) },
    },
  },
};

const ASKED = { checked: number(), allowed: number(), rejected: number(), shadowRejected: number() };

export const METRICS_CHAPTER: Chapter = {
  title: 'Metrics',
  about: 'What was recorded, over a stretch of time.',
  operations: {
    'GET /api/metrics/rate-limit-usage': {
      summary: 'What the limits of all instances said',
      query: {
        'range?': {
          description: 'The last so long.',
          enum: ['5m', '15m', '1h', '6h', '24h', '7d', '30d'],
          default: '1h',
        },
        'from?': text('Instead of `range`: RFC 3339, or milliseconds since 1970.'),
        'to?': text('The same; now when it is left out.'),
        'rule?': text('Of this rule only.', { minLength: 1 }),
        'key?': text('Of this key only.', { minLength: 1 }),
        'consumer?': text('Of this consumer only.', { minLength: 1 }),
      },
      answers: {
        200: answer(
          'The sum, the keys that were refused most, and the course of time.',
          map({
            range: orNull(text()),
            from: time(),
            to: time(),
            step: text('Of the series, such as `10s`.'),
            summary: map(ASKED),
            keys: list(map({ key: text(), rule: text(), checked: number(), rejected: number() })),
            series: list(map({ t: time(), ...ASKED })),
          }),
        ),
      },
    },
  },
};
