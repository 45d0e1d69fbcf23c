import { type RateLimitAlgorithm } from '#config';
import { type Algorithm } from './algorithm.js';
import { fixedWindow } from './fixed-window.js';
import { slidingWindow } from './sliding-window.js';
import { tokenBucket } from './token-bucket.js';

export { type Algorithm, type Limit, renewal } from './algorithm.js';
export { grainOf } from './sliding-window.js';

/** What a state looks like is known to its algorithm only. */
export const ALGORITHMS: Readonly<Record<RateLimitAlgorithm, Algorithm<unknown>>> = {
  'token-bucket': tokenBucket,
  'sliding-window': slidingWindow,
  'fixed-window': fixedWindow,
};
