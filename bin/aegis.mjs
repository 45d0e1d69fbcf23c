#!/usr/bin/env -S node --max-semi-space-size=64
// `npx aegis`: builds when the sources are newer than the build, then becomes the command line.
import { buildWhenStale } from '../scripts/build-when-stale.mjs';

await buildWhenStale();
await import(new URL('../dist/run/cli.js', import.meta.url).href);
