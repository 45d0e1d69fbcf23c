// For whatever is run from the sources: stops with one helpful line where it cannot run, builds where there is something new.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist', '.built');
const sources = ['apps', 'libs', 'package.json', 'nest-cli.json', '.swcrc', 'scripts/bundle.mjs'];

export async function buildWhenStale() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    leave(
      `Aegis needs Node 20.19 or newer; this is ${process.version}. Install the current LTS from https://nodejs.org`,
    );
  }
  if (!existsSync(join(root, 'node_modules', '@nestjs', 'core'))) {
    leave('The dependencies are not installed yet: run `npm install` first.');
  }
  if (!existsSync(stamp) || newest(sources) > statSync(stamp).mtimeMs) await build();
}

async function build() {
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  if (!existsSync(nest)) {
    leave('Aegis is not built, and what builds it is not installed: run `npm install` without --omit=dev first.');
  }
  console.error('Building …');
  const began = new Date();
  const { status, stdout, stderr } = spawnSync(process.execPath, [nest, 'build', '--all'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stdout, stderr);
    leave('The build failed: see above.');
  }
  const { bundle } = await import('./bundle.mjs');
  await bundle();
  writeFileSync(stamp, '');
  // What was saved while it was being built is not in the build.
  utimesSync(stamp, began, began);
}

/** In milliseconds; a folder's own time tells of files that went away. */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const file = join(root, path);
    const stat = statSync(file);
    latest = Math.max(latest, stat.mtimeMs);
    if (stat.isDirectory()) latest = Math.max(latest, newest(readdirSync(file).map((name) => join(path, name))));
  }
  return latest;
}

function leave(line) {
  console.error(line);
  process.exit(1);
}
