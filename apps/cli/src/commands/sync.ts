import { CliError, EXIT, type ExitCode } from '../exit.js';
import { confirm } from '../confirm.js';
import { apply, compare, type Comparison } from '../live-entities.js';
import { planAsJson, printPlan } from '../plan-shown.js';
import { count, print, printJson } from '../terminal.js';
import { type DiffOptions } from './diff.js';

export interface SyncOptions extends DiffOptions {
  readonly yes?: boolean;
}

/** Has a gateway serve what a file says: shows what that changes, asks, and does it. Programs are not asked. */
export async function sync(file: string, options: SyncOptions): Promise<ExitCode> {
  const { json = false, yes = false, prune = false, url } = options;
  const comparison = await compare(file, options, prune);
  const { plan } = comparison;
  const isNeeded = plan.steps.length > 0;
  const outcome = plan.blocked.length === 0 ? EXIT.fine : EXIT.no;
  if (json) {
    let applied = false;
    try {
      if (isNeeded) await applyAgreed(yes, options, comparison);
      applied = isNeeded;
    } finally {
      printJson({ ...planAsJson(plan), applied });
    }
    return outcome;
  }
  printPlan(plan, url);
  if (!isNeeded) return outcome;
  if (!yes && process.stdin.isTTY && !(await confirm('Do it? [y/N] ', process.stdin, process.stderr))) {
    print('Nothing was changed.');
    return EXIT.no;
  }
  await applyAgreed(yes || process.stdin.isTTY, options, comparison);
  print(`${count(plan.steps.length, 'change')} made; ${url} serves them.`);
  return outcome;
}

async function applyAgreed(agreed: boolean, options: SyncOptions, comparison: Comparison): Promise<void> {
  if (!agreed) throw new CliError(EXIT.usage, 'Nothing was changed: say --yes where nobody can be asked.');
  await apply(options, comparison);
}
