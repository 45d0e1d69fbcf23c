import { answer, type Chapter, json } from '../openapi/description.js';
import { list, map, named, oneOf, orNull, type Shape, text, whole } from '../openapi/shapes.js';

const FORM = 'application/x-www-form-urlencoded';

export const SIGN_IN_SCHEMAS: Readonly<Record<string, Shape>> = {
  Me: map({
    name: text('The consumer.'),
    user: orNull(text('The person, where an issuer names one.')),
    roles: list(text()),
  }),
  Tokens: map({
    access_token: text(),
    token_type: oneOf(['Bearer']),
    expires_in: whole('Seconds.'),
    'refresh_token?': text(),
    'scope?': text(),
  }),
  NotGranted: map({
    error: oneOf(['invalid_request', 'invalid_client', 'invalid_grant', 'unsupported_grant_type']),
    error_description: text(),
  }),
};

const key = map({ key: text('Any key that works here.', { minLength: 1 }) });
const grant: Shape = {
  type: 'object',
  properties: {
    grant_type: oneOf(['client_credentials', 'refresh_token']),
    client_id: text('The consumer; may be left out.'),
    client_secret: text('One of its API keys; or as Basic, or as `X-API-Key`.'),
    refresh_token: text(),
  },
  required: ['grant_type'],
};
const token: Shape = { type: 'object', properties: { token: text() } };

export const SIGN_IN_CHAPTER: Chapter = {
  title: 'Sign-in and tokens',
  about: 'Sessions for browsers, and tokens that Aegis issues itself (RFC 6749, RFC 7009).',
  operations: {
    'GET /api/admin/login': {
      summary: 'Sign in at the issuer',
      more: 'For browsers. The issuer is the one that `auth.oauth2.login` names.',
      query: { 'returnTo?': text('A path of Aegis itself to be at afterwards.') },
      answers: { 303: { says: 'On to the issuer.', fields: ['Location', 'Set-Cookie'] } },
      problems: ['not_configured', 'store_unavailable'],
    },
    'GET /api/admin/login/callback': {
      summary: 'Where the issuer sends a browser back to',
      query: { 'code?': text(), 'state?': text(), 'error?': text() },
      answers: { 303: { says: 'Signed in.', fields: ['Location', 'Set-Cookie'] } },
      problems: [
        'bad_request',
        'not_configured',
        'authentication_required',
        'invalid_credentials',
        'forbidden',
        'rate_limited',
        'store_unavailable',
      ],
    },
    'POST /api/admin/login': {
      summary: 'Sign in with a key',
      more: 'For a session cookie in its place.',
      body: { content: { ...json(key), [FORM]: key }, needed: true, example: { key: '…' } },
      answers: { 200: answer('Signed in.', named('Me'), ['Set-Cookie']) },
      problems: ['authentication_required', 'invalid_credentials', 'forbidden', 'rate_limited', 'store_unavailable'],
    },
    'POST /api/admin/logout': {
      summary: 'End the session',
      answers: { 204: answer('Ended.', undefined, ['Set-Cookie']) },
      problems: ['forbidden', 'store_unavailable'],
    },
    'GET /api/admin/me': {
      summary: 'Who I am here',
      answers: { 200: answer('Name and roles.', named('Me')) },
    },
    'POST /api/admin/oauth/token': {
      summary: 'Get tokens',
      more: 'For a credential that works here (`client_credentials`), or for a refresh token, which works once.',
      body: { content: { [FORM]: grant, ...json(grant) }, needed: true, example: { grant_type: 'client_credentials' } },
      answers: {
        200: answer('Tokens.', named('Tokens')),
        400: answer('Not granted (RFC 6749).', named('NotGranted')),
        401: answer('The client is not known.', named('NotGranted')),
      },
      problems: ['rate_limited', 'store_unavailable'],
    },
    'POST /api/admin/oauth/revoke': {
      summary: 'End a token',
      more: 'And everything that came from the same grant. A token that is not known is as good as ended.',
      body: { content: { [FORM]: token, ...json(token) }, needed: true, example: { token: '…' } },
      answers: { 200: answer('It has ended.', map({})) },
      problems: ['store_unavailable'],
    },
  },
};
