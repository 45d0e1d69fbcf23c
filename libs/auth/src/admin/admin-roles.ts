const VIEWED = [
  'alerts',
  'blocks',
  'config',
  'consumers',
  'ip-rules',
  'metrics',
  'rate-limit-rules',
  'recommendations',
  'roles',
  'routes',
  'sessions',
  'status',
  'upstreams',
] as const;

const OPERATED = [
  'alerts',
  'blocks',
  'ip-rules',
  'metrics',
  'rate-limit-rules',
  'recommendations',
  'routes',
  'upstreams',
] as const;

/** What an operation of the admin API can ask for. */
export type AdminPermission =
  | `read:${(typeof VIEWED)[number]}`
  | `write:${(typeof OPERATED)[number]}`
  | 'read:audit'
  | 'write:config'
  | 'write:consumers'
  | 'write:keys'
  | 'write:roles'
  | 'write:sessions';

/** The roles that there are without being declared; a declaration of the same name takes their place. */
export const BUILT_IN_ROLES = {
  viewer: { permissions: VIEWED.map((what): string => `read:${what}`), inherits: [] },
  operator: { permissions: OPERATED.map((what): string => `write:${what}`), inherits: ['viewer'] },
  admin: { permissions: ['*'], inherits: ['operator'] },
};
