// `npm start`: builds when the sources are newer than the build, then becomes the gateway.
import { buildWhenStale } from './build-when-stale.mjs';

buildWhenStale();
if (process.argv[2] !== '--build-only') await import(new URL('../dist/apps/gateway/src/main.js', import.meta.url).href);
