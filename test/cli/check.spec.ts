import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Mistake } from '#config';
import { scratchFolder } from '#testing';
import { aegis } from './run-cli.js';

const TEN_MISTAKES = 'test/cli/ten-mistakes.yaml';

/** Line, path, and what must be said of it. */
const TEN: readonly (readonly [number, string, RegExp])[] = [
  [2, 'gateway.prot', /did you mean port/],
  [3, 'gateway.drain', /"soon".*duration/],
  [5, 'gateway.limits.body', /"10 parsecs".*size/],
  [7, 'gateway.trustedProxies[0]', /"10\.0\.0\.0\/33"/],
  [11, 'gateway.upstreams[0].targets[0]', /http:\/\//],
  [12, 'gateway.upstreams[0].balance', /did you mean round-robin/],
  [15, 'gateway.routes[0].upstream', /did you mean users/],
  [17, 'gateway.routes[1].methods[0]', /"FETCH IT"/],
  [19, 'gateway.routes[1].redirect', /exactly one of/],
  [20, 'gateway.routes[2].path.regex', /does not compile/],
];

interface CheckAnswer {
  readonly ok: boolean;
  readonly mistakes: readonly Mistake[];
  readonly warnings: readonly Mistake[];
  readonly hash: string | null;
}

function fileWith(text: string): string {
  const file = join(scratchFolder('check'), 'aegis.config.yaml');
  writeFileSync(file, text);
  return file;
}

describe('aegis check', () => {
  it('names all ten of ten different mistakes, each with its line', async () => {
    const { code, stdout } = await aegis(['check', TEN_MISTAKES]);

    expect(code).toBe(1);
    const blocks = stdout.split('\n\n');
    for (const [line, path, said] of TEN) {
      const block = blocks.find((text) => text.startsWith(`${TEN_MISTAKES}:${line}:`));
      expect(block).toContain(path);
      expect(block?.replaceAll('\n', ' ')).toMatch(said);
      expect(block).toContain('^');
    }
    expect(stdout).toContain(`10 mistakes in ${TEN_MISTAKES}`);
  });

  it('refuses a regular expression that a client could stop the gateway with, and says what to write', async () => {
    const route = '{ path: { regex: "(a+)+$" }, respond: { status: 200 } }';
    const file = fileWith(`gateway:\n  routes:\n    - ${route}\n`);
    const { code, stdout } = await aegis(['check', file]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${file}:3:24  gateway.routes[0].path.regex`);
    expect(stdout).toContain('a client could stop the gateway with it');
    expect(stdout).toContain('a+ instead of (a+)+');
  });

  it('says the same to programs', async () => {
    const { code, stdout } = await aegis(['check', TEN_MISTAKES, '--json']);

    const answer = JSON.parse(stdout) as CheckAnswer;
    expect(code).toBe(1);
    expect(answer.ok).toBe(false);
    expect(answer.hash).toBeNull();
    expect(answer.mistakes.map(({ line, path }) => [line, path])).toEqual(TEN.map(([line, path]) => [line, path]));
  });

  it('says what is in a file that is valid', async () => {
    const { code, stdout } = await aegis(['check', 'config/aegis.config.yaml']);

    expect(code).toBe(0);
    expect(stdout).toContain('config/aegis.config.yaml is valid');
    expect(stdout).toMatch(/routes +1/);
    expect(stdout).toMatch(/database +embedded/);
  });

  it('checks the file that --config or AEGIS_CONFIG names, and config/aegis.config.yaml when none does', async () => {
    const file = fileWith('gateway: { routes: [] }\n');
    const [byOption, byVariable, byDefault] = await Promise.all([
      aegis(['check', '--config', file]),
      aegis(['check'], { env: { AEGIS_CONFIG: file } }),
      aegis(['check']),
    ]);

    expect(byOption.stdout).toContain(`${file} is valid`);
    expect(byVariable.stdout).toContain(`${file} is valid`);
    expect(byDefault.stdout).toContain('config/aegis.config.yaml is valid');
  });

  it('says that a file does not exist, and how to name another', async () => {
    const { code, stdout } = await aegis(['check', 'no-such.yaml']);

    expect(code).toBe(1);
    expect(stdout).toContain('no-such.yaml does not exist');
    expect(stdout).toContain('--config');
  });

  it('checks what the environment sets as well, and names the variable', async () => {
    const { code, stdout } = await aegis(['check'], { env: { AEGIS__GATEWAY__PORT: 'ninety' } });

    expect(code).toBe(1);
    expect(stdout).toContain('environment variable AEGIS__GATEWAY__PORT');
  });

  it('never shows a password', async () => {
    const file = fileWith(
      'gateway: { routes: [] }\ndatabase: { url: "postgres://aegis:hunter2hunter2@127.0.0.1/aegis" }\n',
    );
    const [valid, wrong] = await Promise.all([
      aegis(['check', file]),
      aegis(['check', file], { env: { DATABASE_URL: 'mysql://aegis:hunter2hunter2@127.0.0.1/aegis' } }),
    ]);

    expect(valid.code).toBe(0);
    expect(valid.stdout).toMatch(/database +postgres:\/\/aegis:/);
    expect(wrong.code).toBe(1);
    expect(valid.stdout + wrong.stdout).not.toContain('hunter2');
  });

  it('colours only what a terminal shows, or when told to', async () => {
    const [piped, forced] = await Promise.all([aegis(['check']), aegis(['check'], { env: { FORCE_COLOR: '1' } })]);

    expect(piped.stdout).not.toContain('\u001b');
    expect(forced.stdout).toContain('\u001b[32m');
  });
});
