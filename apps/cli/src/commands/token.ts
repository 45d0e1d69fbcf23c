import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { CliError, EXIT, type ExitCode } from '../exit.js';
import { givenSecret } from '../given-secret.js';
import { askOpenly } from '../live-gateway.js';
import { lasting } from '../time-words.js';
import { columns, paintFor, print, printJson, remark } from '../terminal.js';

export interface TokenOptions {
  readonly url: string;
  readonly json?: boolean;
}

export interface IssueOptions extends TokenOptions {
  readonly consumer?: string;
}

/** What RFC 6749 answers, one way or the other. */
interface Granted {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
  readonly scope?: string;
  readonly error_description?: string;
}

const TOKEN_VARIABLE = 'AEGIS_TOKEN';

export async function issueToken(options: IssueOptions): Promise<void> {
  const key = await givenSecret('key', 'AEGIS_API_KEY');
  const { consumer } = options;
  await grant(options, {
    grant_type: 'client_credentials',
    client_secret: key,
    ...(consumer !== undefined && { client_id: consumer }),
  });
}

export async function refreshToken(options: TokenOptions): Promise<void> {
  const token = await givenSecret('refresh token', TOKEN_VARIABLE);
  if (kindOf(token) !== 'refresh') {
    throw new CliError(
      EXIT.usage,
      'This is no refresh token: they begin with aegis_rt_, and `token issue --json` has one.',
    );
  }
  await grant(options, { grant_type: 'refresh_token', refresh_token: token });
}

async function grant({ url, json }: TokenOptions, form: Readonly<Record<string, string>>): Promise<void> {
  const { body } = await askOpenly<Granted>(url, 'POST /api/admin/oauth/token', { form });
  const { access_token: accessToken, refresh_token: refreshed = null, expires_in: expiresIn = 0, scope = '' } = body;
  if (accessToken === undefined) {
    throw new CliError(
      EXIT.no,
      `No token was given: ${body.error_description ?? body.detail ?? 'it does not say why.'}`,
    );
  }
  if (json === true) {
    printJson({ accessToken, refreshToken: refreshed, expiresIn, scopes: scope === '' ? [] : scope.split(' ') });
    return;
  }
  print(accessToken);
  const more = refreshed === null ? 'It cannot be renewed.' : 'With --json the refresh token comes along.';
  remark(`Good for ${lasting(expiresIn)}; send it as Authorization: Bearer. ${more}`);
}

export async function revokeToken({ url, json }: TokenOptions): Promise<void> {
  const token = await givenSecret('token', TOKEN_VARIABLE);
  const kind = kindOf(token);
  if (kind === 'jwt' || kind === 'opaque') {
    throw new CliError(
      EXIT.no,
      'Aegis did not give this token, so it cannot revoke it: whoever issued it can. For an API key there is `keys revoke`.',
    );
  }
  await askOpenly(url, 'POST /api/admin/oauth/revoke', { form: { token } });
  if (json === true) printJson({ revoked: true });
  else print('The token is revoked, with all of the same grant; no instance takes them after two seconds.');
}

type Kind = 'jwt' | 'access' | 'refresh' | 'session' | 'opaque';

interface Caller {
  readonly name: string;
  readonly user: string | null;
  readonly roles: readonly string[];
}

interface Inspected {
  readonly kind: Kind;
  /** Of a JWT, decoded and no more. */
  readonly header: Readonly<Record<string, unknown>> | null;
  readonly claims: Readonly<Record<string, unknown>> | null;
  /** null: nobody was asked. */
  readonly accepted: boolean | null;
  readonly caller: Caller | null;
  /** Why it is refused, or was not shown. */
  readonly reason: string | null;
  /** It is an identity for upstreams that this gateway signed. */
  readonly signedHere: 'valid' | 'expired' | null;
}

export async function inspectToken({ url, json }: TokenOptions): Promise<ExitCode> {
  const token = (await givenSecret('token', TOKEN_VARIABLE)).replace(/^bearer +/i, '');
  if (!/^[!-~]+$/.test(token)) throw new CliError(EXIT.usage, 'This is no token: there are spaces or the like in it.');
  const kind = kindOf(token);
  const decoded = kind === 'jwt' ? decode(token) : { header: null, claims: null };
  const inspected: Inspected = { kind, ...decoded, ...(await shownTo(url, kind, token)) };
  if (json === true) printJson(inspected);
  else tell(inspected, url);
  return inspected.accepted === false && inspected.signedHere !== 'valid' ? EXIT.no : EXIT.fine;
}

function kindOf(token: string): Kind {
  if (token.startsWith('aegis_at_')) return 'access';
  if (token.startsWith('aegis_rt_')) return 'refresh';
  if (token.startsWith('aegis_st_')) return 'session';
  return token.split('.').length === 3 && decode(token).header !== null ? 'jwt' : 'opaque';
}

function decode(token: string): Pick<Inspected, 'header' | 'claims'> {
  try {
    return { header: { ...decodeProtectedHeader(token) }, claims: decodeJwt(token) };
  } catch {
    return { header: null, claims: null };
  }
}

async function shownTo(
  url: string,
  kind: Kind,
  token: string,
): Promise<Pick<Inspected, 'accepted' | 'caller' | 'reason' | 'signedHere'>> {
  if (kind === 'refresh') {
    const reason = 'A refresh token works once: to show it would use it up.';
    return { accepted: null, caller: null, reason, signedHere: null };
  }
  const signedHere = kind === 'jwt' ? await verifiedHere(url, token) : null;
  const headers: Readonly<Record<string, string>> =
    kind === 'session' ? { cookie: `aegis_session=${token}` } : { authorization: `Bearer ${token}` };
  if (signedHere !== null) {
    return {
      accepted: false,
      caller: null,
      reason: 'It is for upstreams; the gateway takes none of these.',
      signedHere,
    };
  }
  const { status, body } = await askOpenly<Caller>(url, 'GET /api/admin/me', { headers });
  if (status === 200) return { accepted: true, caller: callerIn(body), reason: null, signedHere };
  return { accepted: false, caller: null, reason: body.detail ?? `status ${status}`, signedHere };
}

function callerIn({ name, user, roles }: Caller): Caller {
  return { name, user, roles };
}

/** By the keys that the gateway publishes for upstreams. */
async function verifiedHere(url: string, token: string): Promise<Inspected['signedHere']> {
  const { status, body } = await askOpenly<JSONWebKeySet>(url, 'GET /_aegis/jwks.json', {});
  if (status !== 200 || !Array.isArray(body.keys)) return null;
  try {
    await jwtVerify(token, createLocalJWKSet({ keys: body.keys }));
    return 'valid';
  } catch (error) {
    // The signature has been looked at before.
    return error instanceof errors.JWTExpired ? 'expired' : null;
  }
}

const KINDS: Readonly<Record<Kind, string>> = {
  jwt: 'A JWT',
  access: 'An access token that Aegis gave',
  refresh: 'A refresh token that Aegis gave',
  session: 'A session of the console',
  opaque: 'An API key, or a token that only its issuer can read',
};

function tell({ kind, header, claims, accepted, caller, reason, signedHere }: Inspected, url: string): void {
  const { green, red, dim } = paintFor(process.stdout);
  print(`${KINDS[kind]}.`);
  if (header !== null && claims !== null) {
    const rows = [...Object.entries(header), ...Object.entries(claims)];
    print(`\n${columns(rows.map(([name, value]) => [name, valueShown(name, value)]))}\n`);
    print(dim('It says so itself, which proves nothing.'));
  }
  if (signedHere !== null) {
    const until = signedHere === 'valid' ? green('✓ is valid') : red('✗ has expired');
    print(`${until}: ${url} signed it, to tell an upstream who calls.`);
  } else if (accepted === null) print(reason ?? '');
  else if (accepted) {
    const { name = '', user = null, roles = [] } = caller ?? {};
    const person = user === null ? '' : `, user ${user}`;
    print(
      `${green('✓')} ${url} takes it: consumer ${name}${person}, ${roles.length === 0 ? 'no roles' : `roles ${roles.join(' ')}`}`,
    );
  } else print(`${red('✗')} ${url} refuses it: ${reason ?? ''}`);
}

const TIMES = new Set(['exp', 'iat', 'nbf', 'auth_time']);

/** What comes from a token is shown as JSON: no control character of it reaches the terminal. */
function valueShown(name: string, value: unknown): string {
  const text = JSON.stringify(value).replace(/[\x7f-\x9f]/g, '');
  if (!TIMES.has(name) || typeof value !== 'number') return text;
  const seconds = Math.round(value - Date.now() / 1000);
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 3.2e9) return text;
  const when = seconds >= 0 ? `in ${lasting(seconds)}` : `${lasting(-seconds)} ago`;
  return `${text} (${new Date(value * 1000).toISOString()}, ${when})`;
}
