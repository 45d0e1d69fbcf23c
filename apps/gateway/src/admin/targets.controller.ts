import { Controller, Get, UseGuards } from '@nestjs/common';
import { SnapshotStore } from '#gateway';
import { Health } from '#monitoring';
import { AdminGuard } from './admin.guard.js';
import { Needs } from './needs.js';

/** The gateway, what it depends on, and how each target of each upstream is. */
@Controller('api/health')
@UseGuards(AdminGuard)
export class TargetsController {
  constructor(
    private readonly health: Health,
    private readonly store: SnapshotStore,
  ) {}

  @Get()
  @Needs('read:status')
  async all() {
    const now = performance.now();
    const upstreams = [...this.store.current.upstreams.values()].map(({ name, targets, limit }) => ({
      name,
      inFlight: limit.inFlight,
      limit: Number.isFinite(limit.limit) ? limit.limit : null,
      targets: targets.map((target) => {
        const { since, lastCheck, latency, ...report } = target.report(now);
        return {
          target: target.id,
          ...report,
          since: asDate(since, now),
          lastCheck: lastCheck === null ? null : { at: asDate(lastCheck.at, now), good: lastCheck.good },
          latencyMs: latency === null ? null : Math.round(latency * 100) / 100,
          connections: target.pool.connections,
        };
      }),
    }));
    return { gateway: await this.health.report(), upstreams };
  }
}

/** What happened at `at`, by a clock that shows `now`. */
function asDate(at: number, now: number): string {
  return new Date(Date.now() - (now - at)).toISOString();
}
