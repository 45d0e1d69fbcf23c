import { type RouteConfig } from './config.js';

interface Reserved {
  readonly path: string;
  /** Everything below it too, by segment. */
  readonly below: boolean;
}

const HEALTH: Reserved = { path: '/health', below: true };

const RESERVED: readonly Reserved[] = [
  HEALTH,
  { path: '/metrics', below: false },
  { path: '/_aegis', below: true },
  { path: '/api/metrics', below: true },
  { path: '/api/health', below: false },
  { path: '/api/alerts', below: true },
  { path: '/api/nl-query', below: false },
  { path: '/api/admin', below: true },
  { path: '/ws/metrics', below: false },
  { path: '/console', below: true },
];

interface Listeners {
  readonly admin: { readonly port: number | null };
  readonly monitoring: { readonly prometheus: { readonly enabled: boolean; readonly path: string } };
}

function reservedOn({ admin, monitoring }: Listeners): readonly Reserved[] {
  if (admin.port !== null) return [HEALTH];
  const { enabled, path } = monitoring.prometheus;
  return enabled && path !== '/metrics' ? [...RESERVED, { path, below: false }] : RESERVED;
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** Says of a path whether the gateway's port keeps it for Aegis itself; made once for a configuration. */
export function reservedPaths(listeners: Listeners): (path: string) => boolean {
  const exact = new Set<string>();
  const above: string[] = [];
  for (const { path, below } of reservedOn(listeners)) {
    exact.add(path);
    if (below) above.push(`${path}/`);
    else exact.add(`${path}/`);
  }
  return (path) => exact.has(path) || above.some((prefix) => path.startsWith(prefix));
}

/** The reserved path that a route asks for. One that merely reaches over it, such as `/`, does not. */
export function reservedBy(path: RouteConfig['path'], listeners: Listeners): string | undefined {
  const wanted = literalLead(path);
  if (wanted === undefined) return undefined;
  return reservedOn(listeners).find((reserved) => {
    if (reserved.below && (wanted.lead === reserved.path || wanted.lead.startsWith(`${reserved.path}/`))) return true;
    return wanted.itself && wanted.lead === reserved.path;
  })?.path;
}

/** The fixed beginning of what a path takes, and whether that very path is among it. */
function literalLead({ kind, value }: RouteConfig['path']): { lead: string; itself: boolean } | undefined {
  if (kind === 'prefix' || kind === 'exact') return { lead: withoutSlash(value), itself: true };
  if (kind === 'pattern') {
    const segments = value.split('/');
    const end = segments.findIndex((segment) => segment.startsWith(':') || segment === '*');
    return { lead: segments.slice(0, end).join('/'), itself: false };
  }
  const [, lead, after = ''] = /^\^((?:\/[\w~-]+)+)(.*)$/.exec(value) ?? [];
  if (lead === undefined) return undefined;
  return after === '' || /^(\/|\$|\(\/|\(\?:\/)/.test(after) ? { lead, itself: !after.startsWith('/') } : undefined;
}
