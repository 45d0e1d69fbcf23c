import { ExplainQuery } from './explain-query.js';
import { membersOf } from './openapi/shape-of-class.js';
import { answer, type Chapter } from './openapi/description.js';
import {
  anything,
  list,
  map,
  mapOf,
  named,
  number,
  oneOf,
  orNull,
  type Shape,
  text,
  time,
  whole,
  yesOrNo,
} from './openapi/shapes.js';

const health = map({
  status: oneOf(['healthy', 'degraded', 'unhealthy']),
  uptime: whole('Seconds.'),
  version: text(),
  dependencies: mapOf(oneOf(['connected', 'embedded', 'disabled', 'disconnected']), 'postgres, redis, ml-api.'),
  limiter: map({ store: text(), state: text(), since: time() }, 'Where the limits are counted.'),
});

const mistake = map({
  file: text(),
  line: orNull(whole('From 1; null: it does not come from a line of the file.')),
  column: orNull(whole()),
  path: text('Such as `gateway.routes[2].timeout`.'),
  message: text(),
  allowed: orNull(text('What may stand there.')),
  hint: orNull(text()),
  variable: orNull(text('The environment variable that it comes from.')),
  excerpt: orNull(map({ text: text(), length: whole() })),
});

const status = map({
  version: text('Of Aegis.'),
  node: text(),
  pid: whole(),
  health: named('Health'),
  config: map({
    version: whole(),
    hash: text(),
    loadedAt: time(),
    routes: whole(),
    upstreams: whole(),
    entities: map({
      version: whole('Of what the admin API has made.'),
      heardAt: orNull(time('When the database was last asked with success.')),
      leftOut: list(
        map({ kind: text(), name: text(), mistakes: list(named('FieldError')) }),
        'Entities that do not fit the rest, and are not served.',
      ),
    }),
    lastReload: map({ at: time(), ok: yesOrNo(), mistakes: list(named('Mistake')) }),
  }),
  requests: whole('Since the start.'),
  memory: whole('Bytes.'),
  workers: list(
    map({
      number: whole(),
      pid: whole(),
      startedAt: time(),
      requests: whole(),
      memory: whole('Bytes.'),
      configVersion: whole(),
      configHash: text(),
    }),
    'Processes that share the port; empty: this one serves alone.',
  ),
  instances: list(
    map({
      id: text(),
      host: text(),
      pid: whole(),
      version: text(),
      configVersion: whole(),
      configHash: text(),
      startedAt: time(),
      seenAt: time(),
    }),
    'All that use this database.',
  ),
});

const listedRoute = map({
  name: text(),
  hosts: list(text(), 'Empty: any.'),
  path: map({ kind: oneOf(['exact', 'prefix', 'pattern', 'regex']), value: text() }),
  methods: list(text(), 'Empty: any.'),
  priority: whole(),
});

const accessOfRoute = map({
  credential: oneOf(['required', 'optional', 'none']),
  methods: list(text(), 'By which a credential can be shown.'),
  needs: map({ oneOfRoles: list(text()), permissions: list(text()), scopes: list(text()) }),
  rules: list(
    map({
      path: text(),
      rule: orNull(
        map({
          number: whole(),
          path: text(),
          methods: list(text()),
          roles: list(text()),
          permissions: list(text()),
        }),
      ),
      reason: text(),
    }),
  ),
});

const explanation = map({
  method: text(),
  host: text(),
  path: text('As routing, policies and the upstream see it.'),
  outcome: oneOf(['route', 'not_found', 'method_not_allowed', 'reserved']),
  route: orNull(text()),
  allow: list(text(), 'With `method_not_allowed`: the methods that are taken.'),
  params: mapOf(text(), 'What the pattern of the route found in the path.'),
  routes: list(map({ name: text(), outcome: text(), reason: text() }), 'Each route, and why it was taken or not.'),
  reserved: yesOrNo('The path belongs to Aegis itself.'),
  access: {
    description: 'What a caller needs.',
    anyOf: [accessOfRoute, map({ operation: text(), needs: orNull(text()) }), { type: 'null' }],
  },
  'limits?': list(
    map({
      rule: text(),
      limit: number(),
      window: text(),
      mode: oneOf(['enforce', 'shadow']),
      applies: oneOf(['yes', 'no', 'depends']),
      reason: text(),
    }),
  ),
});

const upstream = map({
  name: text(),
  inFlight: whole(),
  limit: orNull(number('How many may be in flight; null: any number.')),
  targets: list(
    map({
      target: text(),
      state: oneOf(['healthy', 'unhealthy', 'ejected', 'circuit-open']),
      since: time(),
      breaker: oneOf(['off', 'closed', 'open', 'half-open']),
      lastCheck: orNull(map({ at: time(), good: yesOrNo() })),
      inFlight: whole(),
      latencyMs: orNull(number('Expected, to the head of the answer; null: nothing was measured yet.')),
      connections: whole(),
    }),
  ),
});

export const STATUS_SCHEMAS: Readonly<Record<string, Shape>> = {
  Health: health,
  Mistake: mistake,
  Status: status,
  Explanation: explanation,
  UpstreamHealth: upstream,
};

export const STATUS_CHAPTER: Chapter = {
  title: 'Status',
  about: 'What runs, how it is, and why a request goes where it goes.',
  operations: {
    'GET /_aegis/status': {
      summary: 'What runs here',
      answers: { 200: answer('Health, configuration, processes, instances.', named('Status')) },
    },
    'GET /_aegis/routes': {
      summary: 'The routes that are served',
      more: 'The one that goes first on top. How each was written: `GET /api/admin/routes`.',
      answers: { 200: answer('All routes.', map({ items: list(listedRoute) })) },
    },
    'GET /_aegis/operations': {
      summary: 'What can be done here, and what each needs',
      answers: {
        200: answer(
          'All operations.',
          map({
            items: list(
              map({ method: text(), path: text(), needs: orNull(text('A permission, `a credential` or `nothing`.')) }),
            ),
          }),
        ),
      },
    },
    'GET /_aegis/explain': {
      summary: 'Which route takes a request, and why not the others',
      query: membersOf(ExplainQuery, {
        method: 'Of the request.',
        url: '`http://host/path`, or a path for any host.',
        header: 'A header of the request, `name: value`; as often as needed.',
      }),
      answers: { 200: answer('Route, access and limits, each with its reason.', named('Explanation')) },
      problems: ['bad_request'],
    },
    'GET /_aegis/jwks.json': {
      summary: 'The keys by which upstreams verify who calls',
      more: 'Public halves only: what `X-Aegis-Identity` is signed with.',
      answers: {
        200: {
          says: 'A JSON Web Key Set (RFC 7517).',
          content: {
            'application/jwk-set+json': map({ keys: list(mapOf(anything('A member of the key.'), 'A public key.')) }),
          },
        },
      },
    },
    'POST /_aegis/reload': {
      summary: 'Read the configuration file again',
      more: 'It is followed anyway; this waits for the outcome.',
      answers: { 200: answer('It is served.', map({ version: whole() })) },
      problems: ['validation_failed'],
    },
    'GET /api/health': {
      summary: 'The gateway, what it depends on, and every target',
      answers: {
        200: answer('All upstreams.', map({ gateway: named('Health'), upstreams: list(named('UpstreamHealth')) })),
      },
    },
  },
};
