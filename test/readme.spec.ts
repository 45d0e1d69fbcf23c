import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { scratchFolder, type SpawnedGateway, spawnGateway } from '#testing';
import { ENTRY, ROOT, run } from './cli/run-cli.js';

/**
 * What README.md and docs/cli.md show was really printed: every command in a `console` block runs here, against a real
 * gateway, and its output has to be what stands below it. `…` stands for what differs from run to run: within a line for
 * some text, alone for some lines.
 */
const PAGES = ['README.md', 'docs/cli.md'];

interface Shown {
  readonly page: string;
  readonly command: string;
  readonly output: string;
}

describe('what the documentation shows', () => {
  let gateway: SpawnedGateway;
  let folder = '';
  let tools = '';

  beforeAll(async () => {
    gateway = await spawnGateway({ config: readFileSync(join(ROOT, 'config/aegis.config.yaml'), 'utf8') });
    folder = scratchFolder('readme');
    tools = join(folder, 'tools');
    mkdirSync(tools);
    cpSync(join(ROOT, 'config'), join(folder, 'config'), { recursive: true });
    symlinkSync(join(ROOT, 'test'), join(folder, 'test'));
    tool('npx', `shift\nexec "${process.execPath}" "${ENTRY}" "$@"`);
    tool('curl', `exec "${process.execPath}" --input-type=module -e "${CURL}" "$@"`);
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
  });

  function tool(name: string, script: string): void {
    writeFileSync(join(tools, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** On the port of this gateway, and told as if it were the one of the page. */
  async function printed(command: string): Promise<string> {
    if (command === 'npm start') return asOnThePage(gateway.stderr.join('\n'));
    const { stdout, stderr } = await run('sh', ['-c', command.replaceAll(':8080', `:${gateway.port}`)], {
      cwd: folder,
      env: {
        PATH: `${tools}:${process.env['PATH'] ?? ''}`,
        AEGIS_URL: `http://localhost:${gateway.port}`,
        AEGIS_ADMIN_KEY: gateway.adminKey,
      },
    });
    return asOnThePage(stdout + stderr);
  }

  function asOnThePage(text: string): string {
    return text
      .replaceAll(`:${gateway.port}`, ':8080')
      .replaceAll(`"${gateway.port}"`, '"8080"')
      .replaceAll(relative('', gateway.configFile), 'config/aegis.config.yaml')
      .replaceAll(gateway.configFile, 'config/aegis.config.yaml');
  }

  it.each(PAGES.flatMap(shownOn))('$page: $command', async ({ command, output }) => {
    const lines = trimmed(await printed(command));

    expect(matches(lines, trimmed(output)) ? output : lines.join('\n')).toBe(output);
  });
});

describe('the documentation', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', ...pagesIn('docs'), ...pagesIn('docs/adr')];

  it.each(pages)('%s links to what there is', (page) => {
    const links = [...text(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);

    expect(links.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
  });

  it('names no file of the sources that is not there', () => {
    const named = pages.flatMap((page) => [...text(page).matchAll(/`([\w-]+\/[\w./-]+\.(?:ts|mjs|yaml))`/g)]);
    const places = new Set(named.map(([, place = '']) => place));
    const missing = [...places].filter(
      (place) => !existsSync(join(ROOT, place)) && !existsSync(join(ROOT, HERE, place)),
    );

    expect(places.size).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  it('names no method of a class that is not there', () => {
    const named = pages.flatMap((page) => [...text(page).matchAll(/\b([A-Z]\w+)\.([a-z]\w+)\b/g)]);
    const sources = ['libs', 'apps'].flatMap(sourcesIn).map(text);
    const missing = named.filter(([, type = '', method = '']) => {
      const source = sources.find((each) => each.includes(`export class ${type} `));
      return source !== undefined && !new RegExp(`\\b${method}\\(`).test(source);
    });

    expect(named.length).toBeGreaterThan(5);
    expect(missing.map(([whole]) => whole)).toEqual([]);
  });
});

describe('docs/dependencies.md', () => {
  const named = [...text('docs/dependencies.md').matchAll(/`((?:@[\w-]+\/)?[\w.*-]+)`/g)].map(([, name = '']) => name);

  it('has a line for every package that the apps and libs import', () => {
    const sources = ['libs', 'apps'].flatMap(sourcesIn).filter((file) => !file.startsWith('libs/testing/'));
    const imported = sources.flatMap((file) => [
      ...text(file).matchAll(/(?:\bfrom |^import |\bimport\()'([^'.#\n][^'\n]*)'/gm),
    ]);
    const packages = new Set(
      imported
        .map(([, name = '']) => name)
        .filter((name) => !name.startsWith('node:'))
        .map(packageOf),
    );

    expect(packages.size).toBeGreaterThan(10);
    expect([...packages].filter((name) => !named.includes(name))).toEqual([]);
  });
});

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** What docs/life-of-a-request.md names without its folder. */
const HERE = 'libs/gateway/src';

function sourcesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => /(?<!\.spec)\.ts$/.test(name)).map((name) => join(folder, name));
}

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md'));
  return names.map((name) => `${folder}/${name}`);
}

function text(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** Enough of it: the body of an answer. It need not be installed where tests run. */
const CURL = `process.stdout.write(await (await fetch(process.argv[1])).text())`;

function shownOn(page: string): Shown[] {
  const blocks = [...text(page).matchAll(/^```console\n([^]*?)^```$/gm)].map(([, block = '']) => block);
  const shown = blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n');
        return { page, command: part.slice(0, end), output: part.slice(end + 1) };
      }),
  );
  return shown.filter(({ command }) => !command.startsWith('export '));
}

function trimmed(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd());
}

function matches(lines: readonly string[], pattern: readonly string[]): boolean {
  const [wanted, ...rest] = pattern;
  if (wanted === undefined) return lines.length === 0;
  if (wanted === '…') return lines.some((_, i) => matches(lines.slice(i), rest)) || matches([], rest);
  const [line, ...others] = lines;
  if (line === undefined) return false;
  const expression = wanted.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${expression.join('.+')}$`).test(line) && matches(others, rest);
}
