export { AccessPolicy, type AccessSurroundings } from './access-policy.js';
export { type AdminPermission } from './admin/admin-roles.js';
export { AuthModule } from './auth.module.js';
export { AuthenticationGuard } from './authentication.guard.js';
export { identityLines } from './identity.js';
export { hashPassword } from './passwords/password-hash.js';
export { RbacGuard } from './rbac.guard.js';
export { type AccessExplained, type GuardedRoute, type RouteAccess } from './route-access.js';
