import { Counter, Registry, RequestMetrics } from '#monitoring';

/** What Prometheus is told; there before anything else, so that nothing that happens at the start is missed. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly requests = new RequestMetrics();
  private readonly changes = new Counter(
    'aegis_target_changes_total',
    'Changes of the condition of targets: circuits, ejections, health checks.',
  );

  constructor() {
    this.registry.add(...this.requests.metrics, this.changes);
  }

  /** `target` is `upstream/address`; there are a handful of changes. */
  changed(target: string, change: string): void {
    this.changes.add({ upstream: target.slice(0, target.lastIndexOf('/')), change });
  }
}
