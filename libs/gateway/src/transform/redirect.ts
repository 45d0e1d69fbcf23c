import { isIP } from 'node:net';
import { type RedirectConfig, type RouteConfig } from '#config';
import { type ClientConnection, clientIsSecure, type Principal } from '#kernel';
import { type FixedAnswer } from './fixed-answer.js';
import { joined, type PathSource, restFinder } from './path-change.js';
import { compileTemplate, type PathTemplate } from './path-template.js';

/** What a redirect needs to know of an exchange. */
export interface RedirectSource extends ClientConnection, PathSource {
  /** With its `?`, or empty. */
  readonly query: string;
  readonly principal: Principal | null;
}

export type Redirect = (source: RedirectSource) => FixedAnswer;

/**
 * The Gateway API's RequestRedirect: what is not said stays as the client asked, the query always. The port is the one that
 * is configured, else the usual one of a configured scheme, else the one that the client used: what a trusted proxy says,
 * or the one of `Host`. The listener's own is left out of this: behind a port mapping no client can reach it.
 *
 * `hides`: takes out of a query what nobody but Aegis should see of a caller that is known.
 */
export function compileRedirect(
  route: Pick<RouteConfig, 'name' | 'path'>,
  redirect: RedirectConfig,
  hides: ((query: string) => string) | null,
): Redirect {
  const path = pathChange(route, redirect);
  const { scheme, port, status } = redirect;
  const host = redirect.host !== null && isIP(redirect.host) === 6 ? `[${redirect.host}]` : redirect.host;
  return (source) => {
    const secure = scheme === null ? clientIsSecure(source) : scheme === 'https';
    const asked = AUTHORITY.exec(source.req.headers.host ?? '');
    const name = host ?? asked?.[1] ?? '';
    const wanted = port ?? (scheme === null ? portOf(source, asked?.[2]) : 0);
    const usual = wanted === 0 || wanted === (secure ? 443 : 80);
    // Without a host that could stand in a URL only a path remains.
    const origin = name === '' ? '' : `${secure ? 'https' : 'http'}://${name}${usual ? '' : `:${wanted}`}`;
    const query = hides === null || source.principal === null ? source.query : hides(source.query);
    const location = origin + (path === null ? source.path : path(source)) + query;
    return { status, headers: ['Location', asReference(location), 'Content-Length', '0'], body: null };
  };
}

const AUTHORITY = /^([a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::(\d{0,5}))?$/i;

function portOf({ req, trusted }: ClientConnection, asked: string | undefined): number {
  const said = req.headers['x-forwarded-port'];
  return Number(trusted && typeof said === 'string' && /^\d{1,5}$/.test(said) ? said : (asked ?? 0));
}

function pathChange(route: Pick<RouteConfig, 'name' | 'path'>, redirect: RedirectConfig): PathTemplate | null {
  if (redirect.path !== null) {
    const template = compileTemplate(redirect.path, route.path);
    if (typeof template === 'string') throw new Error(`The route "${route.name}": redirect.path: ${template}.`);
    return template;
  }
  if (redirect.prefix === null) return null;
  const rest = restFinder(route.path);
  if (rest === undefined) throw new Error(`The route "${route.name}": redirect.prefix: ${NO_PREFIX}.`);
  const prefix = redirect.prefix.replace(/\/$/, '');
  return ({ path }) => joined(prefix, rest(path));
}

export const NO_PREFIX = 'a path that is a regular expression has no prefix to replace; use redirect.path';

/**
 * A path and a query may have characters that a URL may not. The backslash is the one that matters: browsers read it as a
 * slash, so that a path such as `/\host` would lead elsewhere.
 */
function asReference(text: string): string {
  return /["<>\\^`{|}]/.test(text) ? text.replace(/["<>\\^`{|}]/g, encodeURIComponent) : text;
}
