import { stringify } from 'yaml';
import { runningEntities } from '../live-entities.js';
import { type LiveOptions } from '../live-gateway.js';
import { documentOf } from '../sync-document.js';

/** What runs, as it could stand in a file. */
export async function exportConfig(options: LiveOptions): Promise<void> {
  const document = documentOf(await runningEntities(options));
  process.stdout.write(stringify(document, { lineWidth: 120, aliasDuplicateObjects: false }));
}
