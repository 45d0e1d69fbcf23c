import { Counter, Registry, RequestMetrics } from '#monitoring';

const CHANGES = /^(?:circuit [a-z-]+|ejected after failures|back after ejection|healthy|unhealthy)$/;

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

  /** `target` is `upstream/address`; what is not one of a handful of changes is about its addresses. */
  changed(target: string, news: string): void {
    const change = CHANGES.test(news) ? news : 'addresses';
    this.changes.add({ upstream: target.slice(0, target.lastIndexOf('/')), change });
  }
}
