import { type Config } from '#config';

/** Settings that this version reads but does not act on, as lines for the log: nobody should have to find that out by waiting. */
export function notYet({ monitoring }: Config): string[] {
  const asked: readonly [boolean, string][] = [
    [monitoring.tracing.enabled, 'monitoring.tracing: trace contexts are passed on, spans are not sent'],
    [monitoring.alerts.length > 0, 'monitoring.alerts: nothing watches'],
    [monitoring.notify.length > 0, 'monitoring.notify: nothing is sent'],
  ];
  return asked.filter(([is]) => is).map(([, line]) => `not in this version yet: ${line}`);
}
