// The load core: clients and upstream in one process, driven over IPC by run.mjs. First out: the upstream's port. Then, for
// each job in, its counts out. One process, because two would take turns on the core and be woken by the proxy at its cost.
import { run } from './client.mjs';
import { listen } from './upstream.mjs';

if (process.argv.includes('--busy')) {
  // Never sleeps, as if clients and upstream were on other machines: the proxy does not pay for waking this core.
  const spin = () => setImmediate(spin);
  spin();
}
process.on('message', (job) => {
  void run(job).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: await listen() });
