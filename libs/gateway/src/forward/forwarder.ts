import { Injectable } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { answerFixed } from '../answer.js';
import { type Route } from '../route.js';
import { HttpForward } from './http-forward.js';
import { type BodyFraming, bodyFraming, NO_BODY } from './request-head.js';

/** Sends an exchange to a target of its route. */
@Injectable()
export class Forwarder {
  forward(exchange: Exchange<Route>): void {
    const { route, req } = exchange;
    if (route === null) throw new Error('an exchange reached the forwarder without a route');
    if (route.answer !== null) {
      const answer = route.answer(exchange);
      const headers = [...answer.headers];
      route.shape.dress(exchange, headers);
      answerFixed(exchange, { ...answer, headers });
      return;
    }
    const framing = bodyFraming(req);
    if (framing !== NO_BODY && Number(req.headers['content-length'] ?? 0) > route.bodyLimit) {
      throw new Refusal('body_too_large', `The body is larger than ${route.bodyLimit} bytes.`);
    }
    const upgrade = upgradeOf(exchange, route, framing);
    const share = route.upstreams.next();
    if (share === undefined) throw new Refusal('no_healthy_upstream', 'Every upstream of the route has the weight 0.');
    const { rewrite, rewriteQuery } = route;
    const known = exchange.principal !== null;
    const shown = known && route.hidesParameter !== null ? route.hidesParameter(exchange.query) : exchange.query;
    const query = rewriteQuery === null ? shown : rewriteQuery(shown);
    new HttpForward(exchange, route, share, {
      method: req.method ?? 'GET',
      target: rewrite.path(exchange) + query,
      host: rewrite.host(exchange.host, ''),
      framing,
      upgrade,
      prefix: rewrite.prefixTaken(exchange.path),
      hides: known ? route.hidesFields : null,
      changes: route.requestHeaders,
    }).start();
  }
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
