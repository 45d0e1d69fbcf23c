import { stringify } from 'yaml';
import { escaped } from '#config';
import { runningEntities } from '../live-entities.js';
import { type LiveOptions } from '../live-gateway.js';
import { documentOf } from '../sync-document.js';
import { printJson } from '../terminal.js';

export interface ExportOptions extends LiveOptions {
  readonly json?: boolean;
}

/** What runs, as it could stand in a file. */
export async function exportConfig(options: ExportOptions): Promise<void> {
  const document = escaped(documentOf(await runningEntities(options)));
  if (options.json === true) printJson(document);
  else process.stdout.write(stringify(document, { lineWidth: 120, aliasDuplicateObjects: false }));
}
