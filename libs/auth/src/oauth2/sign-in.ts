import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type Configuration,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { type Principal, Refusal } from '#kernel';
import { claimAt, type Claims } from '../tokens/claims.js';
import { type Issuer, reasonOf } from './issuer.js';
import { isAway, isMisconfigured } from './issuer-failure.js';

/** The credential of whoever signed in at the issuer. */
export const SIGN_IN = 'sign-in';
const MOST_GROUPS = 1000;
const CHALLENGE = { 'WWW-Authenticate': 'Cookie realm="aegis"' };

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

  /** Who it is; without roles where no group of theirs has one here. `query`: what the issuer sent the browser back with. */
  async finish(origin: string, query: string, underWay: SignInUnderWay): Promise<Principal> {
    const configuration = await this.issuer.discovered();
    const url = new URL(this.redirectUri(origin));
    url.search = query;
    try {
      return this.principalOf(await this.claims(configuration, url, underWay));
    } catch (error) {
      this.tell(`a sign-in at ${this.issuer.config.issuer} did not end well: ${reasonOf(error)}`);
      throw refusalFor(error);
    }
  }

  /** What somebody lacks who is known but has no role. */
  get missing(): string {
    return (
      `None of the groups of this account has a role here. The issuer tells of groups in the claim ` +
      `${JSON.stringify(this.issuer.config.login.claim)}; an administrator says under auth.oauth2.login.roles which of them has which role.`
    );
  }

  private async claims(
    configuration: Configuration,
    url: URL,
    { state, nonce, verifier }: SignInUnderWay,
  ): Promise<Claims> {
    const tokens = await authorizationCodeGrant(configuration, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const claims: Claims = { ...tokens.claims() };
    const { userinfo_endpoint: userInfo } = configuration.serverMetadata();
    if (claimAt(claims, this.issuer.config.login.claim) !== undefined || userInfo === undefined) return claims;
    return { ...claims, ...(await fetchUserInfo(configuration, tokens.access_token, String(claims['sub']))) };
  }

  private principalOf(claims: Claims): Principal {
    const { login } = this.issuer.config;
    const listed = [claimAt(claims, login.claim) ?? []].flat().slice(0, MOST_GROUPS);
    const groups = new Set(listed.filter((group): group is string => typeof group === 'string'));
    const roles = Object.entries(login.roles)
      .filter(([group]) => groups.has(group))
      .map(([, role]) => role);
    const subject = String(claims['sub']);
    const name = [verifiedEmail(claims), claims['preferred_username']].find(
      (each): each is string => typeof each === 'string' && each !== '',
    );
    const consumer = (name ?? subject).slice(0, 256);
    return {
      consumer,
      id: consumer,
      roles: [...new Set(roles)],
      scopes: [],
      plan: null,
      credential: SIGN_IN,
      user: subject,
      claims: {},
    };
  }
}

/** Where an issuer says that it has not looked whose an address is, it names nobody: anybody may have written it there. */
function verifiedEmail(claims: Claims): unknown {
  return claims['email_verified'] === false ? undefined : claims['email'];
}

function refusalFor(error: unknown): Refusal {
  if (isAway(error)) {
    return new Refusal('store_unavailable', 'The issuer cannot be asked now: sign in again a little later.');
  }
  if (isMisconfigured(error)) {
    const detail = 'The issuer does not take this gateway for its client: see auth.oauth2.clientId and clientSecret.';
    return new Refusal('not_configured', detail);
  }
  if (error instanceof AuthorizationResponseError) {
    // The state was right, so the issuer said it of this sign-in; its own words stay out of what we answer.
    const code = /^[a-z_]{1,64}$/.test(error.error) ? ` (${error.error})` : '';
    return new Refusal('invalid_credentials', `The issuer let nobody in${code}: sign in again.`, CHALLENGE);
  }
  const detail = 'The sign-in did not end well at the issuer, or was not begun in this browser: sign in again.';
  return new Refusal('invalid_credentials', detail, CHALLENGE);
}
