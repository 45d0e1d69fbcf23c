import { Inject, Injectable } from '@nestjs/common';
import { type HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';

export type DependencyState = 'connected' | 'embedded' | 'disabled' | 'disconnected';

/** Something outside the gateway's own code that it can do without for a while. */
export interface Dependency {
  readonly name: string;
  state(): Promise<DependencyState>;
}

/** Where the limits are counted. */
export interface LimiterCondition {
  readonly state: {
    readonly store: 'memory' | 'redis';
    readonly state: 'shared' | 'own' | 'away';
    /** Milliseconds since the epoch. */
    readonly since: number;
  };
}

export const LIMITER = Symbol('LIMITER');
export const DEPENDENCIES = Symbol('DEPENDENCIES');

export interface HealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly uptime: number;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, DependencyState>>;
  readonly limiter: { readonly store: string; readonly state: string; readonly since: string };
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
    @Inject(LIMITER) private readonly limiter: LimiterCondition,
    @Inject('VERSION') private readonly version: string,
  ) {}

  async report(): Promise<HealthReport> {
    const result: HealthCheckResult = await this.checks.check(this.dependencies.map((each) => () => this.look(each)));
    const states = Object.entries(result.details).map(([name, { state }]) => [name, state as DependencyState] as const);
    const { store, state, since } = this.limiter.state;
    const degraded = state === 'away' || states.some(([, state]) => state === 'disconnected');
    return {
      status: this.readiness.notReady !== null ? 'unhealthy' : degraded ? 'degraded' : 'healthy',
      uptime: Math.round(process.uptime()),
      version: this.version,
      dependencies: Object.fromEntries(states),
      limiter: { store, state, since: new Date(since).toISOString() },
    };
  }

  private async look(dependency: Dependency) {
    const state = await dependency.state().catch((): DependencyState => 'disconnected');
    const indicator = this.indicators.check(dependency.name);
    return state === 'disconnected' ? indicator.degraded({ state }) : indicator.up({ state });
  }
}
