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
@UseGuards(
  answering(AddressGuard, 'address'),
  answering(AuthenticationGuard, 'authentication'),
  answering(RbacGuard, 'authorization'),
  answering(RateLimitGuard, 'limits'),
)
@UseFilters(ProblemFilter)
export class ProxyController {
  constructor(private readonly forwarder: Forwarder) {}

  /** `@Res()` tells Nest that the answer is given here: it streams back when the upstream has it. */
  @All('*path')
  forward(@Req() exchange: Exchange<Route>, @Res() _response: ServerResponse): Promise<void> | null {
    // A client may leave while a guard waits: nobody would end what is begun for it.
    return exchange.answered || exchange.res.destroyed ? null : this.forwarder.forward(exchange);
  }
}
