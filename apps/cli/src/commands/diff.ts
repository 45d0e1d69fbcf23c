import { type ConfigOptions } from '../config-file.js';
import { EXIT, type ExitCode } from '../exit.js';
import { compare } from '../live-entities.js';
import { type LiveOptions } from '../live-gateway.js';
import { planAsJson, printPlan } from '../plan-shown.js';
import { printJson } from '../terminal.js';

export interface DiffOptions extends LiveOptions, ConfigOptions {
  readonly prune?: boolean;
  readonly json?: boolean;
}

/** In what a gateway differs from a file. */
export async function diff(file: string, options: DiffOptions): Promise<ExitCode> {
  const { plan } = await compare(file, options, options.prune === true);
  if (options.json === true) printJson(planAsJson(plan));
  else printPlan(plan, options.url);
  return plan.steps.length + plan.blocked.length === 0 ? EXIT.fine : EXIT.no;
}
