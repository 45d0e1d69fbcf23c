import { type TargetPool } from '../forward/target-pool.js';
import { Condition, type ConditionParts } from './condition.js';

/** One address of an upstream: its condition, and connections of its own. */
export class Target extends Condition {
  constructor(
    /** `upstream/host:port`, as it is recorded. */
    readonly name: string,
    /** What `Host` is when the route asks for the target's. */
    readonly host: string,
    readonly pool: TargetPool,
    parts: ConditionParts,
  ) {
    super(parts);
  }
}
