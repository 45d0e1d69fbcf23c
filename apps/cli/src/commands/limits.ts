import { type Schemas } from '#admin-client';
import { EXIT, type ExitCode } from '../exit.js';
import { ask, type LiveOptions } from '../live-gateway.js';
import { columns, print, printJson, remark } from '../terminal.js';
import { ago, lasting } from '../time-words.js';

interface Shown extends LiveOptions {
  readonly json?: boolean;
}

export interface UsageOptions extends Shown {
  readonly rule?: string;
}

export interface RefusedOptions extends Shown {
  readonly limit: number;
}

/** Exit code 1: a key was asked for that has used nothing. */
export async function usage(key: string | undefined, { rule, ...options }: UsageOptions): Promise<ExitCode> {
  const answer = await ask(options, 'GET /api/admin/limits/usage', { query: { key, rule } });
  if (options.json === true) printJson(answer);
  else if (key === undefined) printRules(answer);
  else printKey(key, answer);
  return key !== undefined && answer.keys.length === 0 ? EXIT.no : EXIT.fine;
}

export async function top({ limit, ...options }: RefusedOptions): Promise<void> {
  const answer = await ask(options, 'GET /api/admin/limits/top', { query: { limit } });
  if (options.json === true) printJson(answer);
  else printTop(answer);
}

export async function reset(key: string, { rule, ...options }: UsageOptions): Promise<void> {
  const answer = await ask(options, 'DELETE /api/admin/limits/keys/{key}', { path: { key }, query: { rule } });
  if (options.json === true) printJson(answer);
  else print(`${key} has its whole limit again: ${answer.rules.join(', ') || 'no rule counts anything'}.`);
}

function printRules({ store, rules }: Schemas['LimitUsage']): void {
  const why = store.reason === '' ? '' : ` (${store.reason})`;
  print(`Limits are counted in ${store.store}, ${store.state} (since ${ago(store.since, Date.now())})${why}.\n`);
  const rows = rules.map(({ rule, checked, allowed, rejected, shadowRejected }) => {
    return [rule, ...[checked, allowed, rejected, shadowRejected].map((count) => count.toLocaleString('en'))];
  });
  if (rows.length === 0) print('  No rule was asked yet.');
  else print(columns([HEAD, ...rows]));
  remark('\nOf this instance, since it started.');
}

const HEAD = ['rule', 'checked', 'allowed', 'rejected', 'in shadow'];

function printKey(key: string, { keys }: Schemas['LimitUsage']): void {
  if (keys.length === 0) {
    print(`${key} has used nothing of any limit.`);
    return;
  }
  print(`${key}\n`);
  const rows = keys.map(({ rule, limit, used, remaining, reset }) => {
    const more = reset === 0 ? '' : `more in ${lasting(reset)}`;
    return [rule, `${used} of ${limit} used`, `${remaining} left`, more];
  });
  print(columns(rows));
}

function printTop({ since, items }: Schemas['RefusedKeys']): void {
  if (items.length === 0) {
    print(`Nobody was refused (counted since ${ago(since, Date.now())}).`);
    return;
  }
  print(`Refused most (counted since ${ago(since, Date.now())}):\n`);
  print(
    columns(
      items.map(({ key, rule, shadow, refused, error }) => {
        const about = error === 0 ? '' : `at most ${error} too many`;
        return [refused.toLocaleString('en'), key, shadow ? `${rule} (shadow)` : rule, about];
      }),
    ),
  );
}
