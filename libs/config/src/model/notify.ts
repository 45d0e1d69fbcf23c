import { MASK } from '#kernel';
import { type InputNode } from '../input/node.js';
import {
  list,
  object,
  optional,
  type Out,
  required,
  Schema,
  secret,
  secretUrl,
  text,
  withDefault,
  word,
} from '../schema/index.js';
import { type JsonSchema, type Part, type Place, type Writing } from '../schema/schema.js';
import { found } from '../schema/scalars.js';
import { severity } from './alert.js';

const common = {
  severities: withDefault(list(severity, { orOne: true }), ['info', 'warning', 'critical'], 'Which alerts are sent.'),
  runbook: optional(text({ words: 'URL' }), 'Link for whoever is woken; `{alert}` becomes the name of the alert.', {
    example: 'https://runbooks.example.com/{alert}',
  }),
};

/** The path of these URLs is what authorises. */
const hookUrl = secret({
  words: 'URL',
  check: (value) => {
    if (!URL.canParse(value)) return 'it is not a URL';
    return /^https?:$/.test(new URL(value).protocol) ? undefined : 'it must begin with https:// or http://';
  },
  shown: (value) => `${new URL(value).origin}/${MASK}`,
});

const CHANNELS = {
  webhook: object({
    type: required(word('webhook'), 'POST of JSON.'),
    url: required(hookUrl, 'Where to.', { example: 'https://hooks.example.com/aegis' }),
    secret: optional(secret(), 'Signs the body: HMAC-SHA-256 in a header.', { example: '${HOOK_SECRET}' }),
    ...common,
  }),
  slack: object({
    type: required(word('slack'), 'Incoming webhook of Slack.'),
    url: required(hookUrl, 'Its URL.', { example: 'https://hooks.slack.com/services/T000/B000/XXXX' }),
    ...common,
  }),
  pagerduty: object({
    type: required(word('pagerduty'), 'PagerDuty Events API v2.'),
    routingKey: required(secret(), 'Integration key.', { example: '${PD_KEY}' }),
    ...common,
  }),
  email: object({
    type: required(word('email'), 'E-mail.'),
    smtp: required(secretUrl('smtp:', 'smtps:'), 'Server: `smtp://user:password@host:port`, or `smtps://`.', {
      example: 'smtp://mail.example.com:587',
    }),
    from: optional(text({ words: 'address' }), 'Sender. Default: aegis@ and the name of this machine.'),
    to: required(
      list(
        text({ words: 'address', check: (value) => (value.includes('@') ? undefined : 'it is not an e-mail address') }),
        { orOne: true },
      ),
      'Receivers.',
      {
        example: ['ops@example.com'],
      },
    ),
    ...common,
  }),
};

type Channels = typeof CHANNELS;
type Channel = Out<Channels[keyof Channels]>;
const TYPES = Object.keys(CHANNELS) as (keyof Channels)[];
const typeWord = word('webhook', 'slack', 'pagerduty', 'email');

/** A map whose `type` says which keys it has. */
class ChannelSchema extends Schema<Channel> {
  readonly words = 'map with a type';
  readonly blank = CHANNELS.webhook.blank;

  read(node: InputNode, place: Place): Channel {
    const type = node.kind === 'map' ? node.entries.get('type')?.value : undefined;
    if (node.kind !== 'map' || type === undefined) {
      const message = node.kind === 'map' ? 'type is missing' : `${found(node)} stands where a map is expected`;
      place.wrong(message, { allowed: `a map with type: ${TYPES.join(', ')}` });
      return this.blank;
    }
    const at = place.down('type', type.origin);
    const before = place.reading.mistakes.length;
    const kind = typeWord.read(type, at);
    if (place.reading.mistakes.length > before) return this.blank;
    return CHANNELS[kind].read(node, place);
  }

  write(value: Channel, writing: Writing): unknown {
    return (CHANNELS[value.type] as Schema<Channel>).write(value, writing);
  }

  json(): JsonSchema {
    return { anyOf: TYPES.map((type) => CHANNELS[type].json()) };
  }

  override child(key: string): Schema<unknown> | undefined {
    return TYPES.map((type) => CHANNELS[type].child(key)).find((schema) => schema !== undefined);
  }

  override get keys(): readonly string[] {
    return [...new Set(TYPES.flatMap((type) => CHANNELS[type].keys))];
  }

  override parts(): readonly Part[] {
    return TYPES.map((type) => ({ suffix: ` (type: ${type})`, schema: CHANNELS[type] }));
  }
}

export const channel: Schema<Channel> = new ChannelSchema();
export type NotifyChannel = Channel;
