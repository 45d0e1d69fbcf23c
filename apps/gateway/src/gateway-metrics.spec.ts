import { describe, expect, it } from '@jest/globals';
import { GatewayMetrics } from './gateway-metrics.js';

describe('changes of targets', () => {
  it('are counted by upstream and kind, whatever the log says of their addresses', () => {
    const metrics = new GatewayMetrics();
    metrics.changed('users/127.0.0.1:80', 'circuit half-open');
    metrics.changed('users/127.0.0.1:81', 'circuit half-open');
    for (let index = 0; index < 50; index++) metrics.changed('users/a.b', `a.b cannot be looked up (${index})`);
    const lines = metrics.registry.text().split('\n');
    expect(lines.filter((line) => line.startsWith('aegis_target_changes_total{'))).toEqual([
      'aegis_target_changes_total{upstream="users",change="circuit half-open"} 2',
      'aegis_target_changes_total{upstream="users",change="addresses"} 50',
    ]);
  });
});
