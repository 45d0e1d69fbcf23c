import { ask, askAll, type LiveOptions } from '../live-gateway.js';
import { columns, count, print, printJson } from '../terminal.js';

export interface ConsumersOptions extends LiveOptions {
  readonly json?: boolean;
}

export interface CreateConsumerOptions extends ConsumersOptions {
  readonly role?: readonly string[];
  readonly plan?: string;
  readonly tag?: readonly string[];
}

export async function listConsumers(options: ConsumersOptions): Promise<void> {
  const items = await askAll(options, 'GET /api/admin/consumers', {});
  if (options.json === true) {
    printJson({ items });
    return;
  }
  print(count(items.length, 'consumer'));
  if (items.length === 0) return;
  const rows = items.map(({ name, roles, plan, tags, source }) => [
    name,
    (roles ?? []).join(' '),
    String(plan ?? ''),
    (tags ?? []).join(' '),
    source,
  ]);
  print(`\n${columns([['NAME', 'ROLES', 'PLAN', 'TAGS', 'FROM'], ...rows])}`);
}

export async function showConsumer(name: string, options: ConsumersOptions): Promise<void> {
  const consumer = await ask(options, 'GET /api/admin/consumers/{name}', { path: { name } });
  if (options.json === true) printJson(consumer);
  else
    print(
      columns(
        Object.entries(consumer).map(([key, value]) => [key, words(value)]),
        '',
      ),
    );
}

export async function createConsumer(name: string, options: CreateConsumerOptions): Promise<void> {
  const { role, plan, tag, json } = options;
  const body = { name, ...(role && { roles: role }), ...(plan !== undefined && { plan }), ...(tag && { tags: tag }) };
  const created = await ask(options, 'POST /api/admin/consumers', { body });
  if (json === true) printJson(created);
  else print(`The consumer ${created.name} is there. A key for it: aegis keys create --consumer ${created.name}`);
}

export async function deleteConsumer(name: string, options: ConsumersOptions): Promise<void> {
  await ask(options, 'DELETE /api/admin/consumers/{name}', { path: { name } });
  if (options.json === true) printJson({ name, deleted: true });
  else print(`The consumer ${name} is gone, and its keys with it.`);
}

function words(value: unknown): string {
  if (Array.isArray(value)) return value.map(words).join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
