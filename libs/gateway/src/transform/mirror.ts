import { type RouteConfig } from '#config';
import { EvenSequence, SILVER_STEP } from './even-sequence.js';

export interface Mirror {
  readonly upstream: string;
  /** Whether this request is one of those that are copied. Asked once for each. */
  takes(): boolean;
}

export function compileMirror(mirror: RouteConfig['mirror'], sequence = new EvenSequence(SILVER_STEP)): Mirror | null {
  if (mirror === null || mirror.percent === 0) return null;
  const { upstream, percent } = mirror;
  return { upstream, takes: percent >= 1 ? () => true : () => sequence.next() < percent };
}
