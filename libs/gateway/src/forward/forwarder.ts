import { Injectable } from '@nestjs/common';
import { IdentityKeys } from '#auth';
import { type Exchange, Refusal } from '#kernel';
import { answerFixed } from '../answer.js';
import { ResponseCache } from '../cache/response-cache.js';
import { type UpstreamDoor } from '../cache/visit.js';
import { type Route, type UpstreamShare } from '../route.js';
import { FieldNames } from '../transform/field-names.js';
import { type RequestHeaderChanges } from '../transform/header-changes.js';
import { BackgroundFetch } from './background-fetch.js';
import { HttpForward } from './http-forward.js';
import { type BodyFraming, bodyFraming, type HeadPlan, NO_BODY } from './request-head.js';
import { type Conditions, type ResponseTap } from './response-tap.js';

/** Sends an exchange to a target of its route, unless the cache of the route has the answer. */
@Injectable()
export class Forwarder implements UpstreamDoor {
  constructor(
    private readonly cache: ResponseCache,
    private readonly identityKeys: IdentityKeys,
  ) {}

  /** A promise only where who calls has to be signed and there is no key yet. */
  forward(exchange: Exchange<Route>): Promise<void> | null {
    const { route } = exchange;
    if (route === null) throw new Error('an exchange reached the forwarder without a route');
    if (route.answer !== null) {
      const answer = route.answer(exchange);
      const headers = [...answer.headers];
      route.shape.dress(exchange, headers);
      answerFixed(exchange, { ...answer, headers });
      return null;
    }
    const { identity } = route.access;
    if (identity !== null && exchange.principal !== null && this.identityKeys.keyFor(identity.tokens) === null) {
      return this.identityKeys.prepare(identity.tokens).then(() => this.pass(exchange, route));
    }
    this.pass(exchange, route);
    return null;
  }

  private pass(exchange: Exchange<Route>, route: Route): void {
    if (route.cache !== null) {
      exchange.steps?.begin('cache');
      this.cache.serve(exchange, route, route.cache, this);
    } else {
      const tap = route.cacheOfReads === null ? null : this.cache.endingReads(exchange, route, null);
      this.send(exchange, route, tap);
    }
  }

  send(exchange: Exchange<Route>, route: Route, tap: ResponseTap | null): void {
    const { req } = exchange;
    const framing = bodyFraming(req);
    if (framing !== NO_BODY && Number(req.headers['content-length'] ?? 0) > route.bodyLimit) {
      throw new Refusal('body_too_large', `The body is larger than ${route.bodyLimit} bytes.`);
    }
    const upgrade = upgradeOf(exchange, route, framing);
    const share = route.upstreams.next();
    if (share === undefined) throw new Refusal('no_healthy_upstream', 'Every upstream of the route has the weight 0.');
    const identity = this.identityFor(exchange, route, share);
    const plan = planOf(exchange, route, req.method ?? 'GET', tap?.conditions ?? null, { framing, upgrade, identity });
    new HttpForward(exchange, route, share, plan, tap).start();
  }

  fetch(exchange: Exchange<Route>, route: Route, method: string, tap: ResponseTap, over: () => void): void {
    const fetching = new BackgroundFetch(tap, over);
    const share = route.upstreams.next();
    const identity = share === undefined ? '' : this.identityFor(exchange, route, share);
    const plan = planOf(exchange, route, method, tap.conditions, { framing: NO_BODY, upgrade: '', identity });
    fetching.start(exchange, share?.upstream ?? null, plan);
  }

  private identityFor({ principal, authMethod }: Exchange, { access }: Route, { upstream }: UpstreamShare): string {
    const { identity } = access;
    if (identity === null || principal === null) return '';
    const key = this.identityKeys.keyFor(identity.tokens);
    if (key === null) throw new Error('an identity was to be signed before there was a key');
    return identity.tokens.line(principal, authMethod, identity.audience ?? upstream.name, key);
  }
}

function planOf(
  exchange: Exchange<Route>,
  route: Route,
  method: string,
  conditions: Conditions | null,
  { framing, upgrade, identity }: Pick<HeadPlan, 'framing' | 'upgrade' | 'identity'>,
): HeadPlan {
  const { rewrite, rewriteQuery, hidesParameter, requestHeaders } = route;
  const known = exchange.principal !== null;
  const shown = known && hidesParameter !== null ? hidesParameter(exchange.query) : exchange.query;
  const query = rewriteQuery === null ? shown : rewriteQuery(shown);
  return {
    method,
    target: rewrite.path(exchange) + query,
    host: rewrite.host(exchange.host, ''),
    framing,
    upgrade,
    prefix: rewrite.prefixTaken(exchange.path),
    hides:
      conditions === null ? (known ? hiddenFields(route, exchange.req.headers.authorization) : null) : conditions.hides,
    identity,
    changes: conditions === null ? requestHeaders : withLines(requestHeaders, conditions.lines),
  };
}

const NOTHING = new FieldNames([]);

function withLines(changes: RequestHeaderChanges | null, lines: string): RequestHeaderChanges {
  return { drops: changes?.drops ?? NOTHING, lines: (changes?.lines ?? '') + lines };
}

function hiddenFields({ hidesAuthorization, hidesFields }: Route, authorization?: string): FieldNames | null {
  if (authorization === undefined || hidesAuthorization?.where.test(authorization) !== true) return hidesFields;
  return hidesAuthorization.fields;
}

/** The protocol to switch to, or empty. Any other than WebSocket is not offered here, and the request is an ordinary one. */
function upgradeOf({ upgrade, req }: Exchange, route: Route, framing: BodyFraming): string {
  if (upgrade === null) return '';
  if (req.headers.upgrade?.toLowerCase() !== 'websocket') {
    if (framing === NO_BODY) return '';
    throw new Refusal('bad_request', 'A request with a body cannot ask for another protocol here.');
  }
  if (!route.websocket) throw new Refusal('bad_request', 'This route takes no WebSocket.');
  return 'websocket';
}
