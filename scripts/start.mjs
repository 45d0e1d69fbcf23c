// `npm start`: builds when the sources are newer than the build, then becomes the gateway.
import { buildWhenStale } from './build-when-stale.mjs';

await buildWhenStale();
if (process.argv[2] !== '--build-only') await import(new URL('../dist/run/gateway.js', import.meta.url).href);
