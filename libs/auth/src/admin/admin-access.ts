import { type AuthConfig } from '#config';
import { type Principal } from '#kernel';
import { type SignInsNow } from '../issued/fixed.js';
import { DECLARED } from '../consumers/declared.js';
import { type GivenSession } from '../issued/sessions.js';
import { ApiKeyMethod } from '../methods/api-key.js';
import { authorizationOf } from '../methods/authorization.js';
import { type Method, Rejected } from '../methods/method.js';
import { Demands } from '../rbac/demands.js';
import { PathRules } from '../rbac/path-rules.js';
import { type Roles } from '../rbac/roles.js';
import { RouteAccess } from '../route-access.js';
import { SessionMethod } from './session.js';
import { type AdminPermission } from './admin-roles.js';

const DEBUG_HEADER = 'x-aegis-debug';
const KEY_HEADERS = ['x-api-key', 'authorization'];
/** Nothing goes on to anybody else. */
const SHOWN = { fields: [], parameter: null, authorization: null };
const UNKNOWN = new Rejected('No method of authentication that is set up takes this token.', 'error="invalid_token"');

/** A token that no method took is a guess like any other, and counted as one. */
const LEFT_OVER: Method<string> = {
  name: 'jwt',
  challenge: 'Bearer realm="aegis"',
  credentialIn: (exchange) => authorizationOf(exchange, 'bearer'),
  verify: () => UNKNOWN,
};

/**
 * Who may do what at the admin API, compiled. Keys work here whatever `auth.apiKeys` says of routes, but never in the
 * query: addresses end up in logs. The rules for paths are for routes; here each operation names its permission.
 */
export class AdminAccess {
  readonly route: RouteAccess;
  /** Of whoever wants to know what a request on a route went through. */
  readonly debug: RouteAccess;
  private readonly signIns: SignInsNow;
  private readonly demands = new Map<AdminPermission, Demands>();

  constructor(
    methods: readonly Method[],
    declaredKeys: ReadonlyMap<string, Principal>,
    { apiKeys, oauth2 }: Pick<AuthConfig, 'apiKeys' | 'oauth2'>,
    private readonly roles: Roles,
  ) {
    const signIns = {
      declared: new Map([...declaredKeys.values()].map((principal) => [principal.credential, principal])),
      byIssuer: oauth2?.login.enabled === true ? new Set(Object.values(oauth2.login.roles)) : null,
    };
    this.signIns = signIns;
    const keys = new ApiKeyMethod(
      { headers: [...new Set([...KEY_HEADERS, ...(apiKeys?.headers ?? [])])], query: null, hide: true },
      declaredKeys,
      signIns,
    );
    const inDebug = new ApiKeyMethod({ headers: [DEBUG_HEADER], query: null, hide: true }, declaredKeys, signIns);
    const others = methods.filter(({ name }) => name !== 'api-key');
    const nothing = new Demands({ roles: [], permissions: [] }, roles);
    const noRules = new PathRules([], roles);
    const everything = [keys, ...others, LEFT_OVER, new SessionMethod(signIns)];
    this.route = new RouteAccess('required', everything, nothing, noRules, SHOWN);
    this.debug = new RouteAccess('required', [inDebug], nothing, noRules, SHOWN);
  }

  /** What a session is worth by the configuration as it is now; null: nothing. */
  sessionNow(session: GivenSession): GivenSession | null {
    const { declared, byIssuer } = this.signIns;
    if (session.credential.startsWith(DECLARED)) return declared.has(session.credential) ? session : null;
    if (session.by === 'key') return session;
    return byIssuer && { ...session, roles: (session.roles ?? []).filter((role) => byIssuer.has(role)) };
  }

  /** What the caller lacks for it, in words; null: nothing. */
  missing(principal: Principal, permission: AdminPermission): string | null {
    let demands = this.demands.get(permission);
    if (demands === undefined) {
      demands = new Demands({ roles: [], permissions: [permission] }, this.roles);
      this.demands.set(permission, demands);
    }
    return demands.missing(principal);
  }
}
