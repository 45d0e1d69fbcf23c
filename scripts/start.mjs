// `npm start`: builds when the sources are newer than the build, then becomes the gateway.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Aegis needs Node 20.19 or newer; this is ${process.version}. Install the current LTS from https://nodejs.org`,
  );
  process.exit(1);
}
if (!existsSync(join(root, 'node_modules', '@nestjs', 'core'))) {
  console.error('The dependencies are not installed yet: run `npm install` first.');
  process.exit(1);
}

const stamp = join(root, 'dist', '.built');
if (!existsSync(stamp) || newest(['apps', 'libs', 'package.json', 'nest-cli.json', '.swcrc']) > statSync(stamp).mtimeMs)
  build();
if (process.argv[2] !== '--build-only') await import(pathToFileURL(join(root, 'dist/apps/gateway/src/main.js')).href);

function build() {
  console.error('Building …');
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [nest, 'build', '--all'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.error(stdout, stderr);
    console.error('The build failed: see above.');
    process.exit(1);
  }
  writeFileSync(stamp, '');
}

function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const file = join(root, path);
    const stat = statSync(file);
    if (stat.isDirectory())
      latest = Math.max(latest, stat.mtimeMs, newest(readdirSync(file).map((name) => join(path, name))));
    else latest = Math.max(latest, stat.mtimeMs);
  }
  return latest;
}
