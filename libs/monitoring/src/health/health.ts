import { Inject, Injectable } from '@nestjs/common';
import { type HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';

export type DependencyState = 'connected' | 'embedded' | 'disabled' | 'disconnected';

/** Something outside the gateway's own code that it can do without for a while. */
export interface Dependency {
  readonly name: string;
  state(): Promise<DependencyState>;
}

export const DEPENDENCIES = Symbol('DEPENDENCIES');

export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly uptime: number;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, DependencyState>>;
}

/** Why requests should not be sent here now; null: they may. */
export class Readiness {
  private reason: string | null = 'starting';

  get notReady(): string | null {
    return this.reason;
  }

  ready(): void {
    this.reason = null;
  }

  draining(): void {
    this.reason = 'draining';
  }
}

/** What `/health` says. A dependency that is away makes the gateway degraded; only its own state makes it unhealthy. */
@Injectable()
export class Health {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
    @Inject(DEPENDENCIES) private readonly dependencies: readonly Dependency[],
    @Inject('VERSION') private readonly version: string,
  ) {}

  async report(): Promise<HealthReport> {
    const result: HealthCheckResult = await this.checks.check(this.dependencies.map((each) => () => this.look(each)));
    const states = Object.entries(result.details).map(([name, { state }]) => [name, state as DependencyState] as const);
    const degraded = states.some(([, state]) => state === 'disconnected');
    return {
      status: this.readiness.notReady !== null ? 'unhealthy' : degraded ? 'degraded' : 'healthy',
      uptime: Math.round(process.uptime()),
      version: this.version,
      dependencies: Object.fromEntries(states),
    };
  }

  private async look(dependency: Dependency) {
    const state = await dependency.state().catch((): DependencyState => 'disconnected');
    const indicator = this.indicators.check(dependency.name);
    return state === 'disconnected' ? indicator.degraded({ state }) : indicator.up({ state });
  }
}
