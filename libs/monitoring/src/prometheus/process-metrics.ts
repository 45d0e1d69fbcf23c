import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Metric, observed } from './registry.js';

const RESOLUTION_MS = 20;
const NO_LABELS = {};
const one = (value: number) => [[NO_LABELS, value] as const];

/** What the process itself takes; read when somebody asks, but for the lag of the event loop, which is measured all along. */
export function processMetrics(): readonly Metric[] {
  const lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  lag.enable();
  const startedAt = Math.round((Date.now() - process.uptime() * 1000) / 1000);
  const processor = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const quantile = (share: number) => {
    // What is measured is the time between two ticks, of which one resolution is due.
    const late = Math.max(0, lag.percentile(share * 100) / 1e6 - RESOLUTION_MS);
    return [{ quantile: String(share) }, Number.isFinite(late) ? late / 1000 : 0] as const;
  };
  return [
    observed('counter', 'process_cpu_seconds_total', 'Processor time taken.', () => one(processor())),
    observed('gauge', 'process_resident_memory_bytes', 'Memory that is resident.', () =>
      one(process.memoryUsage.rss()),
    ),
    observed('gauge', 'process_start_time_seconds', 'When the process began, since 1970.', () => one(startedAt)),
    observed('gauge', 'nodejs_heap_used_bytes', 'Heap in use.', () => one(process.memoryUsage().heapUsed)),
    observed('gauge', 'nodejs_eventloop_lag_seconds', 'Lag of the event loop since it was last asked for.', () => {
      const read = [quantile(0.5), quantile(0.99)];
      lag.reset();
      return read;
    }),
  ];
}
