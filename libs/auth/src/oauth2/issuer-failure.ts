import { ClientError, ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client';

const NO_ANSWER = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR']);
const NOT_OUR_CLIENT = new Set(['invalid_client', 'unauthorized_client', 'redirect_uri_mismatch']);

/** Nobody is to blame but the issuer or the way there: it was not reached, or what came back is not from its protocol. */
export function isAway(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return error.status >= 500;
  if (error instanceof ClientError) {
    return NO_ANSWER.has(error.code ?? '') || (error.cause instanceof Response && error.cause.status >= 500);
  }
  // What `fetch` throws when there is no connection has the reason as its cause.
  return error instanceof TypeError && error.cause instanceof Error && !('code' in error);
}

/** The issuer knows this gateway otherwise, or not at all. */
export function isMisconfigured(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return NOT_OUR_CLIENT.has(error.error);
  // It may ask for the client's credentials again, rather than say that they are wrong.
  return error instanceof WWWAuthenticateChallengeError && error.cause.some(({ scheme }) => scheme === 'basic');
}
