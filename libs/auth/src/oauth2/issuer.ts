import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  customFetch,
  discovery,
  None,
} from 'openid-client';
import { type AuthConfig } from '#config';
import { type Clock, Refusal } from '#kernel';
import { boundedFetch } from '../bounded-fetch.js';

export type OAuth2Config = NonNullable<AuthConfig['oauth2']>;

const TIMEOUT_S = 5;
const USED_MS = 3_600_000;
const REST_MS = 5_000;

/**
 * What the issuer says of itself, by OpenID discovery. Asked for when it is first needed and again every hour while the
 * old answer serves; an issuer that is away is asked again after a rest, and meanwhile nobody is told that a token is wrong.
 */
export class Issuer {
  private known: Configuration | null = null;
  private askedAt = -Infinity;
  private failedAt = -Infinity;
  private asking: Promise<void> | null = null;

  constructor(
    readonly config: OAuth2Config,
    private readonly clock: Clock,
    private readonly tell: (news: string) => void,
  ) {}

  async discovered(): Promise<Configuration> {
    const now = this.clock.monotonic();
    if (now - this.askedAt >= USED_MS && now - this.failedAt >= REST_MS) void this.ask();
    if (this.known === null) await this.asking;
    if (this.known !== null) return this.known;
    throw new Refusal('store_unavailable', 'The issuer of tokens cannot be reached now.');
  }

  /** What it says of itself is not enough: it is asked again after a rest. False: that is known already. */
  doubt(): boolean {
    if (this.askedAt === -Infinity) return false;
    this.askedAt = -Infinity;
    this.failedAt = this.clock.monotonic();
    return true;
  }

  private ask(): Promise<void> {
    this.asking ??= this.discover().finally(() => (this.asking = null));
    return this.asking;
  }

  private async discover(): Promise<void> {
    const { issuer, clientId, clientSecret } = this.config;
    try {
      const auth = clientSecret === null ? None() : secretAuth(clientSecret.reveal());
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- so marked to stand out: an issuer by HTTP was asked for
      const insecure = issuer.startsWith('http:') ? { execute: [allowInsecureRequests] } : {};
      this.known = await discovery(new URL(issuer), clientId, undefined, auth, {
        timeout: TIMEOUT_S,
        [customFetch]: boundedFetch,
        ...insecure,
      });
      this.askedAt = this.clock.monotonic();
    } catch (error) {
      this.failedAt = this.clock.monotonic();
      const so = this.known === null ? 'no token of it can be verified' : 'what is known of it goes on';
      this.tell(`the issuer ${issuer} was not discovered (${reasonOf(error)}): ${so}`);
    }
  }
}

/** In the header, which is the default of the standard, unless the issuer takes it in the body only. */
function secretAuth(secret: string): ClientAuth {
  const [inHeader, inBody] = [ClientSecretBasic(secret), ClientSecretPost(secret)];
  return (server, client, body, headers) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const auth = taken.includes('client_secret_basic') ? inHeader : inBody;
    auth(server, client, body, headers);
  };
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
