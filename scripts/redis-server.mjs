// A real redis-server for tests: the one that is named, the one that is there, or the one that can be installed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const HINT =
  process.platform === 'darwin'
    ? 'brew install redis'
    : existsSync('/etc/debian_version')
      ? 'sudo apt-get update && sudo apt-get install -y redis-server'
      : 'install the package redis of your distribution, or name a binary: REDIS_SERVER=/path/to/redis-server npm test';

/** The path of a redis-server; throws the one line to type where there is none and none can be had. */
export function findRedisServer() {
  const named = process.env.REDIS_SERVER;
  if (named) {
    if (isProgram(named)) return named;
    throw new Error(`REDIS_SERVER=${named} is no program that can be run: name a redis-server, or leave it out`);
  }
  return onPath() ?? installed() ?? missing();
}

function onPath() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];
  return folders.map((folder) => join(folder, 'redis-server')).find(isProgram);
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installed() {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return undefined;
  console.error('Installing redis-server, which the tests need …');
  // RUNLEVEL=1: the package shall not start a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'redis-server']]) {
    const { status, stderr } = spawnSync('apt-get', ['-q', ...args], { env, encoding: 'utf8' });
    if (status !== 0) console.error(`apt-get ${args.join(' ')} failed: ${stderr?.trim().split('\n').at(-1) ?? ''}`);
  }
  return onPath();
}

function missing() {
  throw new Error(`The tests need a real redis-server, which is not here: ${HINT}`);
}
