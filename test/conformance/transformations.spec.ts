import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { CORS } from './transformations/cors.js';
import { HEADER_CHANGES } from './transformations/header-changes.js';
import { REDIRECTS } from './transformations/redirects.js';
import { REWRITES } from './transformations/rewrites.js';
import { Stage, together } from './stage.js';

const PARTS = [CORS, HEADER_CHANGES, REDIRECTS, REWRITES];

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
