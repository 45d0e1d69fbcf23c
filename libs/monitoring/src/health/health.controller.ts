import { Controller, Get, Res } from '@nestjs/common';
import { type Response } from 'express';
import { Health, type HealthReport, Readiness } from './health.js';

/** For load balancers and orchestrators: no credentials, and nothing that tells an outsider where things are. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: Health,
    private readonly readiness: Readiness,
  ) {}

  @Get()
  async all(@Res({ passthrough: true }) res: Response): Promise<HealthReport> {
    const report = await this.health.report();
    res.setHeader('Cache-Control', 'no-store');
    res.status(report.status === 'unhealthy' ? 503 : 200);
    return report;
  }

  /** Says that the process turns; depends on nothing outside it. */
  @Get('live')
  live(@Res({ passthrough: true }) res: Response): { status: 'alive' } {
    res.setHeader('Cache-Control', 'no-store');
    return { status: 'alive' };
  }

  @Get('ready')
  ready(@Res({ passthrough: true }) res: Response): { status: 'ready' } | { status: 'not_ready'; reason: string } {
    res.setHeader('Cache-Control', 'no-store');
    const { notReady } = this.readiness;
    if (notReady === null) return { status: 'ready' };
    res.status(503);
    return { status: 'not_ready', reason: notReady };
  }
}
