import { type AuthMethod, type AuthRequirement } from '#config';
import { type Exchange, otherReadingsOf, Refusal, type RouteInfo } from '#kernel';
import { type Method } from './methods/method.js';
import { type Demands } from './rbac/demands.js';
import { type PathRules, type RulesExplained } from './rbac/path-rules.js';
import { type IdentityTokens } from './signed-identity/identity-tokens.js';

/** A route as the guards of this library need it. */
export interface GuardedRoute extends RouteInfo {
  readonly access: RouteAccess;
}

export interface AccessExplained {
  readonly credential: AuthRequirement['mode'];
  /** By which it can be shown, in the order in which they are looked for. */
  readonly methods: readonly string[];
  /** What the route asks for, beside what rules do. */
  readonly needs: {
    readonly oneOfRoles: readonly string[];
    readonly permissions: readonly string[];
    readonly scopes: readonly string[];
  };
  readonly rules: readonly RulesExplained[];
}

/** What the upstream must not see. */
export interface HiddenCredentials {
  /** Lower-case names of fields that carry keys. */
  readonly fields: readonly string[];
  readonly parameter: string | null;
  /** Of `Authorization`, where what stands in it is for Aegis only. */
  readonly authorization: RegExp | null;
}

/** How the upstreams of a route can verify who is calling. */
interface RouteIdentity {
  readonly tokens: IdentityTokens;
  /** null: each upstream by its name. */
  readonly audience: string | null;
}

/** What each method asks of the caller. */
const WAYS: Readonly<Record<AuthMethod, string>> = {
  'api-key': 'an API key',
  jwt: 'a Bearer token',
  oauth2: 'a Bearer token',
  mtls: 'a client certificate',
  basic: 'a user name with its password',
  hmac: 'a signed request',
};

/** Who may use a route, compiled. It hangs on the route, so that an exchange is judged by the configuration it began with. */
export class RouteAccess {
  /** For `WWW-Authenticate`. */
  private readonly challenges: string;
  /** For people, who do not look at fields. */
  private readonly lacking: string;

  constructor(
    private readonly mode: AuthRequirement['mode'],
    /** Those that work here, in the order in which they are tried. */
    readonly methods: readonly Method[],
    private readonly demands: Demands,
    private readonly rules: PathRules,
    readonly hidden: HiddenCredentials,
    /** null: they cannot. */
    readonly identity: RouteIdentity | null = null,
  ) {
    this.challenges = [...new Set(methods.map(({ challenge }) => challenge))].join(', ');
    const ways = [...new Set(methods.map(({ name, place }) => WAYS[name] + (place ?? '')))].join(', ');
    this.lacking = `This needs a credential, and the request has none. Taken here: ${ways}.`;
  }

  /** Whether credentials are looked at. A path that rules cover needs a caller that is known, whatever the route says. */
  looks(exchange: Exchange): boolean {
    return this.mode !== 'none' || this.rules.cover(exchange);
  }

  /** Whether a request without a credential may go on. */
  admitsAnyone(exchange: Exchange): boolean {
    return this.mode !== 'required' && !this.rules.cover(exchange);
  }

  /** What keeps a caller out that is known, in words; null: nothing. */
  missing(exchange: Exchange): string | null {
    const { principal, req } = exchange;
    if (principal === null) return null;
    return this.demands.missing(principal) ?? this.rules.missing(principal, req.method ?? '', exchange);
  }

  /** What a caller would need, and why. */
  explain(method: string, path: string): AccessExplained {
    const { roles, permissions, scopes } = this.demands;
    const covered = this.rules.cover({ path, otherReadings: otherReadingsOf(path) });
    return {
      credential: this.mode === 'required' || covered ? 'required' : this.mode,
      methods: this.methods.map(({ name }) => name),
      needs: { oneOfRoles: roles, permissions, scopes },
      rules: this.rules.explain(method, path),
    };
  }

  required(): Refusal {
    return new Refusal('authentication_required', this.lacking, {
      'WWW-Authenticate': this.challenges,
    });
  }

  invalid(method: Method, reason: string, error: string): Refusal {
    const challenge = error === '' ? method.challenge : `${method.challenge}, ${error}`;
    const others = this.methods.map((each) => (each.challenge === method.challenge ? challenge : each.challenge));
    return new Refusal('invalid_credentials', reason, { 'WWW-Authenticate': [...new Set(others)].join(', ') });
  }
}
