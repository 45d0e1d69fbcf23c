import { CliError, EXIT } from '../exit.js';
import { ask, askAll, type LiveOptions } from '../live-gateway.js';
import { columns, count, print, printJson } from '../terminal.js';
import { ago, lasting } from '../time-words.js';

export interface SessionsOptions extends LiveOptions {
  readonly consumer?: string;
  readonly user?: string;
  readonly json?: boolean;
}

export async function listSessions({ consumer, user, json, ...options }: SessionsOptions): Promise<void> {
  const whose = { ...(consumer !== undefined && { consumer }), ...(user !== undefined && { user }) };
  const items = await askAll(options, 'GET /api/admin/sessions', {}, whose);
  if (json === true) {
    printJson({ items });
    return;
  }
  print(count(items.length, 'session'));
  if (items.length === 0) return;
  const now = Date.now();
  const rows = items.map((session) => [
    session.id,
    session.consumer,
    session.user ?? '',
    `${session.kind}, by ${session.by}`,
    ago(session.since, now),
    `in ${lasting(Math.max(0, Math.round((Date.parse(session.expiresAt) - now) / 1000)))}`,
  ]);
  print(`\n${columns([['ID', 'WHO', 'USER', 'HOW', 'SINCE', 'ENDS'], ...rows])}`);
}

export async function endSessions(
  id: string | undefined,
  { consumer, user, json, ...options }: SessionsOptions,
): Promise<void> {
  if ((id !== undefined) === (consumer !== undefined || user !== undefined)) {
    throw new CliError(
      EXIT.usage,
      'Say which: an id as `sessions list` shows it, or --consumer NAME or --user SUBJECT for all of theirs.',
    );
  }
  let ended = 1;
  if (id !== undefined) await ask(options, 'DELETE /api/admin/sessions/{id}', { path: { id } });
  else ({ ended } = await ask(options, 'DELETE /api/admin/sessions', { query: { consumer, user } }));
  if (json === true) printJson({ ended });
  else print(`${count(ended, 'session')} ended${ended === 0 ? '' : '; no instance takes them after two seconds'}.`);
}
