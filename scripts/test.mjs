// `npm test`: everything, on real servers that it brings or asks for. Arguments go to jest. The last line is the result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWhenStale } from './build-when-stale.mjs';
import { findRedisServer } from './redis-server.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = process.argv.slice(2);

let prepared = false;
// Also where the build gives up, which ends the process: the last line is the result, always.
process.on('exit', () => {
  if (!prepared) console.log('0 passed, 1 failed');
});

await buildWhenStale();
let redisServer = '';
try {
  redisServer = findRedisServer();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
prepared = true;

const folder = mkdtempSync(join(tmpdir(), 'aegis-test-results-'));
const results = join(folder, 'results.json');
const code = await runJest(results, redisServer);
const { passed, failed, skipped } = read(results);
rmSync(folder, { recursive: true, force: true });

const chosen = args.some((arg) => /^(-t|--testNamePattern)/.test(arg));
const unproven = skipped > 0 && !chosen;
if (unproven) console.log(`${skipped} skipped: a test that does not run shows nothing; mend it or delete it`);
const nothing = passed + failed === 0;
if (nothing) console.log('No test ran.');
const failures = failed + (unproven || nothing || (code !== 0 && failed === 0) ? 1 : 0);
console.log(`${passed} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;

async function runJest(outputFile, REDIS_SERVER) {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, jest, '--json', `--outputFile=${outputFile}`, ...args], {
    cwd: root,
    env: { ...withoutOurs(process.env), REDIS_SERVER },
    // Jest tells people on stderr; the JSON also goes to stdout where no file is named.
    stdio: ['inherit', 'inherit', 'inherit'],
  });
  // Ctrl-C reaches jest as well: it ends first, and its servers with it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [status, signal] = await once(child, 'exit');
  return status ?? 128 + (constants.signals[signal] ?? 0);
}

/** Whatever configures a gateway on this machine is not for the tests. */
function withoutOurs(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(AEGIS_|DATABASE_URL$|REDIS_URL$|PORT$|PG[A-Z]+$)/.test(name)),
  );
}

function read(file) {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8'));
    return {
      passed: found.numPassedTests,
      // A file that cannot even be loaded has no tests that could fail.
      failed: found.numFailedTests + found.numRuntimeErrorTestSuites,
      skipped: found.numPendingTests + found.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
