import { type Schemas } from '#admin-client';
import { columns, type Paint } from './terminal.js';
import { lasting } from './time-words.js';

/** What two questions to a gateway at one moment said. */
export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly status: Schemas['Status'];
  readonly health: { readonly upstreams: readonly Schemas['UpstreamHealth'][] };
}

export interface Frame {
  readonly lines: readonly string[];
  /** The same for programs. */
  readonly numbers: object;
}

/** What happened between two samples, and how things are at the second. */
export function topFrame(before: Sample, now: Sample, url: string, paint: Paint): Frame {
  const { status, health } = now;
  const seconds = Math.max((now.at - before.at) / 1000, 0.001);
  // A gateway that was started again counts from the beginning.
  const same = before.status.pid === status.pid && status.requests >= before.status.requests;
  const perSecond = (status.requests - (same ? before.status.requests : 0)) / seconds;
  const inFlight = health.upstreams.reduce((sum, upstream) => sum + upstream.inFlight, 0);
  const rows = health.upstreams.flatMap(({ name, targets }) =>
    targets.map(({ target, state, breaker, inFlight: busy, latencyMs, connections }, i) => [
      i === 0 ? name : '',
      target,
      state,
      breaker,
      String(busy),
      latencyMs === null ? '' : `${latencyMs} ms`,
      String(connections),
    ]),
  );
  const well = status.health.status === 'healthy' ? paint.green : paint.yellow;
  return {
    lines: [
      `${paint.bold(`Aegis ${status.version}`)} at ${url} is ${well(status.health.status)}, up ${lasting(status.health.uptime)}`,
      '',
      columns([
        ['requests', `${perSecond.toFixed(1)} a second, ${status.requests.toLocaleString('en')} since the start`],
        ['in flight', String(inFlight)],
        ['memory', `${Math.round(status.memory / 1024 ** 2)} MB`],
        ['configuration', `${status.config.version}, ${status.config.routes} routes`],
        ['instances', String(status.instances.length)],
        ...Object.entries(status.health.dependencies),
      ]),
      '',
      columns([['UPSTREAM', 'TARGET', 'STATE', 'BREAKER', 'IN FLIGHT', 'LATENCY', 'CONNECTIONS'], ...rows]),
    ].flatMap((text) => text.split('\n')),
    numbers: {
      t: new Date().toISOString(),
      requestsPerSecond: Math.round(perSecond * 10) / 10,
      requests: status.requests,
      inFlight,
      memory: status.memory,
      health: status.health.status,
      upstreams: health.upstreams,
    },
  };
}
