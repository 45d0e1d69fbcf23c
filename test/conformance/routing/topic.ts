import { type Asked, type UpstreamName } from '../stage.js';

/** One subject of routing: its routes, and who takes which request. */
export interface Topic {
  /** The beginning of a sentence that each case ends. */
  readonly about: string;
  /** In the order of the file. Those that name no host get one that only this topic has. */
  readonly routes: readonly object[];
  readonly cases: readonly RoutingCase[];
}

/** What happens, the request (a path is one), and the upstream that answers or the status of the refusal. */
export type RoutingCase = readonly [string, Asked | string, UpstreamName | number];
