// Everything that can be measured: how to see that it is there, and how to start it as a plain proxy of /shop.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ port: number, upstream: number, dir: string, node: string }} Place  where to listen, what to proxy to, a
 *   folder of its own, and the Node.js binary
 * @typedef {{ command: string, args: string[], env?: Record<string, string>, files?: Record<string, string>,
 *   ready?: string, headers?: Record<string, string> }} Launch  `headers`: of a request that is let through
 * @typedef {{ name: string, about: string, absent: () => string | null, version: () => string,
 *   launch: (place: Place) => Launch }} Contestant
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const peers = fileURLToPath(new URL('./peers', import.meta.url));
const gateway = `${root}dist/run/gateway.js`;

const isRoot = process.getuid?.() === 0;
const FOREVER = 1_000_000_000;

/** The first thing in a program's output that looks like a version. */
function versionOf(command, args) {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return /\d+(\.\d+)+/.exec(`${stdout ?? ''} ${stderr ?? ''}`)?.[0] ?? 'unknown';
}

const absentProgram = (command, args) => () =>
  spawnSync(command, args).error === undefined ? null : `${command} is not installed`;

const packageVersion = (folder) => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version;

/** A contestant from bench/peers. */
function peer(name, about, program, packageName, env = () => ({}), files = () => ({})) {
  const folder = `${peers}/node_modules/${packageName}`;
  return {
    name,
    about,
    absent: () => (existsSync(folder) ? null : 'not installed: npm run bench -- --install-peers'),
    version: () => packageVersion(folder),
    launch: (place) => ({
      command: place.node,
      args: [`${peers}/${program}`],
      env: { UPSTREAM: `http://127.0.0.1:${place.upstream}`, ...env(place) },
      files: files(place),
    }),
  };
}

function nginxConfiguration({ port, upstream, dir }, accessLog, { http = '', location = '' } = {}) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `${isRoot ? 'user root;\n' : ''}worker_processes 1;
daemon off;
pid ${dir}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log ${accessLog};
  keepalive_requests ${FOREVER};
  ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  ${http}upstream shop {
    server 127.0.0.1:${upstream};
    keepalive 64;
    keepalive_requests ${FOREVER};
  }
  server {
    listen 127.0.0.1:${port};
    location /shop {
      ${location}proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;
}

function nginx(name, about, accessLog, policies, headers) {
  return {
    name,
    about,
    absent: absentProgram('nginx', ['-v']),
    version: () => versionOf('nginx', ['-v']),
    launch: (place) => ({
      command: 'nginx',
      args: ['-p', place.dir, '-c', `${place.dir}/nginx.conf`, '-e', 'stderr'],
      files: { 'nginx.conf': nginxConfiguration(place, accessLog(place), policies) },
      headers,
    }),
  };
}

/** nginx with a key check, a limit for each consumer, and fields that are set, for those who send this key. */
export const nginxPolicies = (key, consumer, rate) =>
  nginx(
    'nginx-policies',
    'map on a header, limit_req, fields set',
    () => 'off',
    {
      http: `map $http_x_api_key $consumer { default ""; "${key}" "${consumer}"; }
  limit_req_zone $consumer zone=consumers:10m rate=${rate}r/s;
  `,
      location: `if ($consumer = "") { return 401; }
      limit_req zone=consumers burst=${rate} nodelay;
      proxy_set_header X-API-Key "";
      proxy_set_header X-Consumer-Name $consumer;
      proxy_set_header X-Region north;
      add_header X-Served-By nginx;
      `,
    },
    { 'x-api-key': key },
  );

const haproxy = {
  name: 'haproxy',
  about: 'one thread, connections reused, no log',
  absent: absentProgram('haproxy', ['-v']),
  version: () => versionOf('haproxy', ['-v']),
  launch: ({ port, upstream, dir }) => ({
    command: 'haproxy',
    args: ['-db', '-f', `${dir}/haproxy.cfg`],
    files: {
      'haproxy.cfg': `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend in
  bind 127.0.0.1:${port}
  use_backend shop if { path_beg /shop }
backend shop
  server one 127.0.0.1:${upstream}
`,
    },
  }),
};

const caddy = {
  name: 'caddy',
  about: 'reverse_proxy, no log',
  absent: absentProgram('caddy', ['version']),
  version: () => versionOf('caddy', ['version']),
  launch: ({ port, upstream, dir }) => ({
    command: 'caddy',
    args: ['run', '--config', `${dir}/Caddyfile`, '--adapter', 'caddyfile'],
    env: { HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    files: {
      // Its default of 32 idle connections would close and open connections all the time at 64.
      Caddyfile: `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy /shop/* 127.0.0.1:${upstream} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`,
    },
  }),
};

const expressGateway = peer(
  'express-gateway',
  'one pipeline with the proxy policy alone',
  'express-gateway.mjs',
  'express-gateway',
  ({ dir }) => ({ EG_CONFIG_DIR: dir, EG_DISABLE_CONFIG_WATCH: '1', LOG_LEVEL: 'error', NODE_ENV: 'production' }),
  ({ port, upstream }) => ({
    'gateway.config.yml': `http: { port: ${port}, hostname: 127.0.0.1 }
apiEndpoints: { shop: { host: '*', paths: '/shop/*' } }
serviceEndpoints: { shop: { url: 'http://127.0.0.1:${upstream}' } }
policies: [proxy]
pipelines:
  shop:
    apiEndpoints: [shop]
    policies:
      - proxy: [{ action: { serviceEndpoint: shop, changeOrigin: false } }]
`,
    // It wants its own data models beside its configuration.
    ...Object.fromEntries(
      ['applications', 'credentials', 'users'].map((model) => [
        `models/${model}.json`,
        readFileSync(`${peers}/node_modules/express-gateway/lib/config/models/${model}.json`, 'utf8'),
      ]),
    ),
    'system.config.yml': `db: { redis: { emulate: true, namespace: EG } }
crypto: { cipherKey: sensitiveKey, algorithm: aes256, saltRounds: 10 }
session: { secret: bench, resave: false, saveUninitialized: false }
accessTokens: { timeToExpiry: 7200000 }
refreshTokens: { timeToExpiry: 7200000 }
authorizationCodes: { timeToExpiry: 300000 }
`,
  }),
);

/** Aegis from `dist`, on its embedded database, with the given settings besides the one route. */
function aegis(name, about, { logs = false, defaults = false } = {}) {
  return {
    name,
    about,
    absent: () => (existsSync(gateway) ? null : 'not built: npm run build'),
    version: () => packageVersion(root),
    launch: ({ port, upstream, dir, node }) => ({
      command: node,
      // As `npm start` starts it.
      args: ['--max-semi-space-size=64', gateway, '--config', `${dir}/aegis.config.yaml`, '--data-dir', `${dir}/data`],
      env: { PORT: String(port), NODE_ENV: 'production' },
      files: {
        'aegis.config.yaml': `gateway:
  host: 127.0.0.1
  port: ${port}
${defaults ? '' : '  compression: off\n  securityHeaders: off\n'}  upstreams:
    - { name: shop, targets: ['http://127.0.0.1:${upstream}']${defaults ? '' : ', breaker: off, retry: off, health: off'} }
  routes:
    - { name: shop, path: /shop, upstream: shop }
monitoring:
  logs: { access: ${logs} }
`,
      },
      ready: '/health/ready',
    }),
  };
}

/** @type {Contestant[]} */
export const contestants = [
  nginx('nginx', 'one worker, keepalive 64, no log', () => 'off'),
  nginx(
    'nginx-log',
    'the same with a buffered access log',
    ({ dir }) => `${dir}/access.log combined buffer=64k flush=1s`,
  ),
  haproxy,
  caddy,
  peer('node-undici', 'node:http + undici dispatch and nothing else: a mark', 'node-undici.mjs', 'undici'),
  peer('http-proxy', 'keep-alive agent, X-Forwarded-*', 'http-proxy.mjs', 'http-proxy'),
  peer('fastify-http-proxy', '@fastify/http-proxy, no log', 'fastify-http-proxy.mjs', '@fastify/http-proxy'),
  expressGateway,
  aegis(
    'aegis',
    'one route, recorded, no access log; compression, security headers, breaker, retries off, as in the others',
  ),
  aegis('aegis-defaults', 'the same with everything that is on by default', { defaults: true }),
  aegis('aegis-log', 'the same with an access log line for each request', { logs: true }),
];
