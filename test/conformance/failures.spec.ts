import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { LOST_UPSTREAMS } from './failures/lost-upstreams.js';
import { RETRIES } from './failures/retries.js';
import { TIMEOUTS } from './failures/timeouts.js';
import { Stage, together } from './stage.js';

const PARTS = [LOST_UPSTREAMS, RETRIES, TIMEOUTS];

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open(together(PARTS));
}, 60_000);

afterAll(async () => {
  await stage.close();
});

beforeEach(() => {
  stage.forget();
});

for (const part of PARTS) part.describe(() => stage);
