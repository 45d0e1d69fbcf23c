import { All, Controller, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { type ServerResponse } from 'node:http';
import { AuthenticationGuard, RbacGuard } from '#auth';
import { Exchange } from '#kernel';
import { AddressGuard, RateLimitGuard } from '#rate-limit';
import { Forwarder } from './forward/forwarder.js';
import { answering } from './nest/answering.js';
import { ProblemFilter } from './problem.filter.js';
import { type Route } from './route.js';

/** Every proxied request comes through here. Routing has happened; the guards on the class are the pipeline, in order. */
@Controller()
@UseGuards(...[AddressGuard, AuthenticationGuard, RbacGuard, RateLimitGuard].map(answering))
@UseFilters(ProblemFilter)
export class ProxyController {
  constructor(private readonly forwarder: Forwarder) {}

  /** `@Res()` tells Nest that the answer is given here: it streams back when the upstream has it. */
  @All('*path')
  forward(@Req() exchange: Exchange<Route>, @Res() _response: ServerResponse): Promise<void> | null {
    return exchange.answered ? null : this.forwarder.forward(exchange);
  }
}
