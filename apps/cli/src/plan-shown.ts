import { fieldChanges, type Plan, type Step } from './sync-plan.js';
import { count, paintFor, print } from './terminal.js';

const SIGN = { create: '+', change: '~', delete: '-' } as const;
const MOST_FIELDS = 20;

/** What would be created, changed and deleted, field by field. */
export function printPlan({ steps, blocked, kept }: Plan, url: string): void {
  const { green, yellow, red, dim, bold } = paintFor(process.stdout);
  const color = { create: green, change: yellow, delete: red };
  for (const step of steps) {
    const along = step.action === 'delete' && step.kind === 'consumers' ? ', and its keys' : '';
    print(color[step.action](`${SIGN[step.action]} ${step.kind}/${step.name}${along}`));
    if (step.action === 'change') for (const line of fieldLines(step)) print(`    ${line}`);
  }
  for (const step of blocked) {
    print(`${red('!')} ${step.kind}/${step.name} ${dim('is declared in the gateway’s own file: change it there')}`);
    for (const line of fieldLines(step)) print(`    ${line}`);
  }
  if (kept.length > 0) {
    const names = kept.map(({ kind, name }) => `${kind}/${name}`);
    print(dim(`\nNot in the file, and staying (--prune deletes): ${listed(names)}`));
  }
  if (steps.length + blocked.length === 0) {
    print(`${green('✓')} ${url} runs what the file says.`);
    return;
  }
  const number = (action: Step['action']): number => steps.filter((step) => step.action === action).length;
  const left = blocked.length > 0 ? `, ${blocked.length} that cannot be changed from here` : '';
  print(
    `\n${bold('Plan:')} ${number('create')} to create, ${number('change')} to change, ${number('delete')} to delete${left}.`,
  );
}

function fieldLines(step: Step): string[] {
  const changes = fieldChanges(step);
  // Two masks look the same.
  if (changes.length === 0) return ['a secret is another'];
  const lines = changes
    .slice(0, MOST_FIELDS)
    .map(({ path, before, after }) => `${path}: ${shown(before)} → ${shown(after)}`);
  return changes.length > MOST_FIELDS ? [...lines, `and ${count(changes.length - MOST_FIELDS, 'field')} more`] : lines;
}

function shown(value: unknown): string {
  return value === undefined ? '(nothing)' : JSON.stringify(value);
}

function listed(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
}

/** The same for programs. */
export function planAsJson({ steps, blocked, kept }: Plan): object {
  const all = (list: readonly Step[]): object[] =>
    list.map((step) => ({ ...step, fields: step.action === 'change' ? fieldChanges(step) : [] }));
  return { changes: all(steps), blocked: all(blocked), kept: kept.map(({ kind, name }) => ({ kind, name })) };
}
