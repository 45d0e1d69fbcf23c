import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { type Principal, Refusal } from '#kernel';
import { claimAt, type Claims } from '../tokens/claims.js';
import { type Issuer, reasonOf } from './issuer.js';

const MOST_GROUPS = 1000;

/** What the browser keeps while its person is at the issuer. It is theirs alone, and good for one sign-in. */
export interface SignInUnderWay {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Signing in to the console at the issuer: authorization code with PKCE, state and nonce. Groups there are roles here. */
export class SignIn {
  constructor(
    private readonly issuer: Issuer,
    private readonly tell: (news: string) => void,
  ) {}

  /** Where the issuer sends people back to, seen from `origin`. */
  redirectUri(origin: string): string {
    return new URL(this.issuer.config.login.redirect, origin).href;
  }

  async begin(origin: string): Promise<{ readonly url: string; readonly underWay: SignInUnderWay }> {
    const underWay = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
    const url = buildAuthorizationUrl(await this.issuer.discovered(), {
      redirect_uri: this.redirectUri(origin),
      scope: this.issuer.config.login.scopes.join(' '),
      response_type: 'code',
      state: underWay.state,
      nonce: underWay.nonce,
      code_challenge: await calculatePKCECodeChallenge(underWay.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, underWay };
  }

  /** `query`: what the issuer sent the browser back with. */
  async finish(origin: string, query: string, { state, nonce, verifier }: SignInUnderWay): Promise<Principal> {
    const configuration = await this.issuer.discovered();
    const url = new URL(this.redirectUri(origin));
    url.search = query;
    let claims: Claims;
    try {
      const tokens = await authorizationCodeGrant(configuration, url, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      claims = { ...tokens.claims() };
      const { userinfo_endpoint: userInfo } = configuration.serverMetadata();
      if (claimAt(claims, this.issuer.config.login.claim) === undefined && userInfo !== undefined) {
        claims = { ...claims, ...(await fetchUserInfo(configuration, tokens.access_token, String(claims['sub']))) };
      }
    } catch (error) {
      this.tell(`a sign-in at ${this.issuer.config.issuer} did not end well: ${reasonOf(error)}`);
      throw new Refusal('invalid_credentials', 'The sign-in did not end well at the issuer, or was not begun here.', {
        'WWW-Authenticate': 'Cookie realm="aegis"',
      });
    }
    return this.principalOf(claims);
  }

  private principalOf(claims: Claims): Principal {
    const { login } = this.issuer.config;
    const listed = [claimAt(claims, login.claim) ?? []].flat().slice(0, MOST_GROUPS);
    const groups = new Set(listed.filter((group): group is string => typeof group === 'string'));
    const roles = Object.entries(login.roles)
      .filter(([group]) => groups.has(group))
      .map(([, role]) => role);
    if (roles.length === 0) throw new Refusal('forbidden', 'None of the groups of this account has a role here.');
    const name = [claims['email'], claims['preferred_username'], claims['sub']].find(
      (each) => typeof each === 'string',
    );
    const consumer = (name ?? '').slice(0, 256);
    const subject = String(claims['sub']);
    return {
      consumer,
      id: consumer,
      roles: [...new Set(roles)],
      scopes: [],
      plan: null,
      credential: 'sign-in',
      user: subject,
      claims: {},
    };
  }
}
