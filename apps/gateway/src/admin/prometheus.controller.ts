import { Controller, Get, Header, Inject, type Type, UseGuards } from '@nestjs/common';
import { type Config } from '#config';
import { GatewayMetrics } from '../gateway-metrics.js';
import { AdminGuard } from './admin.guard.js';
import { Needs } from './needs.js';

/** Serves the metrics where the configuration says, to all or to holders of a credential. */
export function prometheusController({ path, public: open }: Config['monitoring']['prometheus']): Type {
  @Controller()
  @UseGuards(AdminGuard)
  class PrometheusController {
    constructor(@Inject(GatewayMetrics) private readonly metrics: GatewayMetrics) {}

    @Get(literal(path))
    @Needs(open ? 'nothing' : 'read:metrics')
    @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
    @Header('Cache-Control', 'no-store')
    read(): string {
      return this.metrics.registry.text();
    }
  }
  return PrometheusController;
}

/** Express would take these for a pattern. */
function literal(path: string): string {
  return path.replace(/[{}()[\]+?!:*\\]/g, '\\$&');
}
