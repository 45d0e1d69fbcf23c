import { userInfo } from 'node:os';
import { systemClock } from '#kernel';
import { AdminKeys, AuditLog, BY_ITSELF } from '#storage';
import { withDatabase } from '../beside-database.js';
import { type ConfigOptions } from '../config-file.js';
import { CliError, EXIT } from '../exit.js';
import { ask, askAll, type LiveOptions } from '../live-gateway.js';
import { ago } from '../time-words.js';
import { columns, count, print, printJson, remark } from '../terminal.js';

export interface CreateKeyOptions extends ConfigOptions, LiveOptions {
  readonly name: string;
  readonly admin?: boolean;
  readonly consumer?: string;
  readonly expires?: string;
  readonly scope?: readonly string[];
  readonly json?: boolean;
}

export interface KeysOptions extends LiveOptions {
  readonly consumer: string;
  readonly json?: boolean;
}

export interface RotateKeyOptions extends KeysOptions {
  readonly overlap?: string;
  readonly expires?: string;
}

export async function createKey(options: CreateKeyOptions): Promise<void> {
  const { admin = false, consumer } = options;
  if (admin === (consumer !== undefined)) {
    throw new CliError(
      EXIT.usage,
      'Say whose key: --consumer NAME asks the running gateway for one, --admin makes one of the administrator in the database of this machine.',
    );
  }
  if (consumer === undefined) await createAdminKey(options);
  else await createConsumerKey(consumer, options);
}

/** The way back in for whoever owns the machine and has lost the key: it asks the database, not the gateway. */
async function createAdminKey({ name, expires, scope, json, ...options }: CreateKeyOptions): Promise<void> {
  if (expires !== undefined || scope !== undefined) {
    throw new CliError(EXIT.usage, '--expires and --scope are for the keys of consumers.');
  }
  const key = await withDatabase(options, async ({ dataSource }, { monitoring }) => {
    const audit = monitoring.audit.enabled ? new AuditLog(dataSource) : null;
    return await new AdminKeys(dataSource, systemClock).create(name, async (manager, prefix) => {
      await audit?.append(manager, [
        {
          ...BY_ITSELF,
          at: new Date(),
          actor: `${userInfo().username}, on the command line`,
          operation: 'aegis keys create --admin',
          entity: 'consumers/admin',
          after: { name, prefix },
        },
      ]);
    });
  });
  if (json === true) printJson({ name, key });
  else print(key);
  remark('This admin key is valid at once. Keep it: it is not shown again. Send it as X-API-Key.');
}

async function createConsumerKey(consumer: string, options: CreateKeyOptions): Promise<void> {
  const { name, expires, scope, json } = options;
  const body = { name, ...(expires !== undefined && { expiresIn: expires }), ...(scope && { scopes: scope }) };
  const created = await ask(options, 'POST /api/admin/consumers/{name}/keys', { path: { name: consumer }, body });
  if (json === true) printJson(created);
  else print(created.key);
  remark(`This key of ${consumer} is valid at once. Keep it: it is not shown again.`);
}

export async function listKeys(options: KeysOptions): Promise<void> {
  const items = await askAll(options, 'GET /api/admin/consumers/{name}/keys', { path: { name: options.consumer } });
  if (options.json === true) {
    printJson({ items });
    return;
  }
  print(`${count(items.length, 'key')} of ${options.consumer}`);
  if (items.length === 0) return;
  const now = Date.now();
  const rows = items.map(({ id, name, prefix, createdAt, expiresAt, lastUsedAt, source }) => [
    id,
    name,
    `${prefix}…`,
    source === 'file' ? 'in the file' : createdAt === null ? '' : ago(createdAt, now),
    expiresAt ?? 'never',
    // Of keys in the file nobody keeps that.
    source === 'file' ? '' : lastUsedAt === null ? 'never' : ago(lastUsedAt, now),
  ]);
  print(`\n${columns([['ID', 'NAME', 'KEY', 'MADE', 'EXPIRES', 'LAST USED'], ...rows])}`);
}

export async function rotateKey(id: string, options: RotateKeyOptions): Promise<void> {
  const { consumer, overlap, expires, json } = options;
  const body = { ...(overlap !== undefined && { overlap }), ...(expires !== undefined && { expiresIn: expires }) };
  const path = { name: consumer, id };
  const made = await ask(options, 'POST /api/admin/consumers/{name}/keys/{id}/rotate', { path, body });
  if (json === true) printJson(made);
  else print(made.key);
  const why = expires === undefined ? ' (it lasts as long as the old one was made to)' : '';
  const end = made.expiresAt === null ? 'It does not expire.' : `It expires at ${made.expiresAt}${why}.`;
  const old = `The old one works for ${overlap ?? 'a day'}.`;
  remark(`This key of ${consumer} is valid at once. Keep it: it is not shown again. ${end} ${old}`);
}

export async function revokeKey(id: string, options: KeysOptions): Promise<void> {
  await ask(options, 'DELETE /api/admin/consumers/{name}/keys/{id}', { path: { name: options.consumer, id } });
  if (options.json === true) printJson({ consumer: options.consumer, id, revoked: true });
  else print(`The key ${id} of ${options.consumer} is revoked; no instance takes it after two seconds.`);
}
