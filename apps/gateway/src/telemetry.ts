import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SnapshotStore } from '#gateway';
import { type Labels, LimitRecorder, type Metric, observed, processMetrics, RequestRecorder } from '#monitoring';
import { LimitUsage, RateLimiter } from '#rate-limit';
import { ConfigReload } from './config-reload.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { VERSION } from './version.js';

const STORE_STATES = ['shared', 'own', 'away'] as const;

/** Has the readers of the records listen, and tells Prometheus what the parts of the gateway know of themselves. */
@Injectable()
export class Telemetry implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly recorder: RequestRecorder,
    private readonly usage: LimitUsage,
    private readonly limits: LimitRecorder,
    private readonly limiter: RateLimiter,
    private readonly store: SnapshotStore,
    private readonly config: ConfigReload,
    @Inject(GatewayMetrics) private readonly metrics: GatewayMetrics,
  ) {}

  onModuleInit(): void {
    for (const reader of [this.usage, this.limits, this.metrics.requests]) this.recorder.addReader(reader);
    this.limits.start();
    this.metrics.registry.add(
      ...this.ofUpstreams(),
      ...this.ofLimits(),
      ...this.ofConfiguration(),
      ...processMetrics(),
    );
  }

  /** The recorder was drained before. */
  async onApplicationShutdown(): Promise<void> {
    await this.limits.stop();
  }

  private ofUpstreams(): Metric[] {
    const { store } = this;
    const ofTargets = (read: (target: ReturnType<typeof reportsOf>[number]) => number) => () =>
      reportsOf(store).map((report): [Labels, number] => [
        { upstream: report.upstream, target: report.target },
        read(report),
      ]);
    return [
      observed('gauge', 'aegis_upstream_in_flight', 'Requests under way at an upstream.', () =>
        [...store.current.upstreams.values()].map(({ name, limit }) => [{ upstream: name }, limit.inFlight] as const),
      ),
      observed(
        'gauge',
        'aegis_target_up',
        'Whether a target is used: 1, or 0 while it is unhealthy, ejected or its circuit is open.',
        ofTargets(({ state }) => (state === 'healthy' ? 1 : 0)),
      ),
      observed(
        'gauge',
        'aegis_target_circuit_open',
        'Whether the circuit of a target is open.',
        ofTargets(({ breaker }) => (breaker === 'open' ? 1 : 0)),
      ),
      observed(
        'gauge',
        'aegis_target_connections',
        'Connections to a target.',
        ofTargets(({ connections }) => connections),
      ),
    ];
  }

  private ofLimits(): Metric[] {
    const { usage, limiter } = this;
    return [
      observed('counter', 'aegis_rate_limit_checks_total', 'What each rule said.', () =>
        [...usage.rules].flatMap(([rule, { shadow, allowed, rejected, shadowRejected }]) => {
          const mode = shadow ? 'shadow' : 'enforce';
          return [
            [{ rule, mode, verdict: 'allowed' }, allowed] as const,
            [{ rule, mode, verdict: 'refused' }, rejected + shadowRejected] as const,
          ];
        }),
      ),
      observed('gauge', 'aegis_rate_limit_store', 'Where limits are counted: 1 at the present state.', () => {
        const { state } = limiter.state;
        return STORE_STATES.map((each) => [{ state: each }, each === state ? 1 : 0] as const);
      }),
    ];
  }

  private ofConfiguration(): Metric[] {
    const { store, config } = this;
    return [
      observed('gauge', 'aegis_config_version', 'The configuration that is served.', () => [
        [{}, store.current.version],
      ]),
      observed('gauge', 'aegis_config_loaded_timestamp_seconds', 'When it was loaded, since 1970.', () => [
        [{}, store.current.loadedAt / 1000],
      ]),
      observed('counter', 'aegis_config_reloads_total', 'Configurations that were read again, by outcome.', () =>
        Object.entries(config.counts).map(([outcome, count]) => [{ outcome }, count] as const),
      ),
      observed('gauge', 'aegis_build_info', 'What runs.', () => [[{ version: VERSION, node: process.version }, 1]]),
    ];
  }
}

function reportsOf(store: SnapshotStore) {
  const now = performance.now();
  return [...store.current.upstreams.values()].flatMap(({ name, targets }) =>
    targets.map((target) => {
      const { state, breaker } = target.report(now);
      return { upstream: name, target: target.id, state, breaker, connections: target.pool.connections };
    }),
  );
}
