import { Injectable } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { type Route } from '../route.js';
import { HttpForward } from './http-forward.js';
import { bodyFraming, NO_BODY } from './request-head.js';

/** Sends an exchange to a target of its route. */
@Injectable()
export class Forwarder {
  forward(exchange: Exchange<Route>): void {
    const { route, req } = exchange;
    if (route === null) throw new Error('an exchange reached the forwarder without a route');
    const target = route.chooseUpstream().choose();
    if (target === undefined) throw new Refusal('no_healthy_upstream', 'No target of the upstream takes requests.');
    const framing = bodyFraming(req);
    if (framing !== NO_BODY && Number(req.headers['content-length'] ?? 0) > route.bodyLimit) {
      throw new Refusal('body_too_large', `The body is larger than ${route.bodyLimit} bytes.`);
    }
    new HttpForward(exchange, route, target, {
      method: req.method ?? 'GET',
      target: route.rewritePath(exchange) + exchange.query,
      host: route.host ?? (route.preserveHost ? (req.headers.host ?? target.url.host) : target.url.host),
      framing,
      upgrade: exchange.upgrade === null ? '' : (req.headers.upgrade ?? ''),
      prefix: route.strippedPrefix,
    }).start();
  }
}
