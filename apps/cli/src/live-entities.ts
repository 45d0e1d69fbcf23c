import { ENTITY_KINDS, entitiesOf, type Entity } from '#config';
import { type ConfigOptions, loadValid } from './config-file.js';
import { CliError } from './exit.js';
import { ask, askAll, type LiveOptions } from './live-gateway.js';
import { type RunningEntity, type Step } from './sync-plan.js';
import { count } from './terminal.js';

type Item = Readonly<Record<string, unknown>> & { readonly name: string; readonly source: 'file' | 'api' };

/** The entities that a gateway serves, each as it was written. */
export async function runningEntities(options: LiveOptions): Promise<RunningEntity[]> {
  const lists = await Promise.all(
    ENTITY_KINDS.map(async (kind) => {
      const items = await askAll<Item>(options, `/api/admin/${kind}`);
      return items.map(({ name, source, ...spec }): RunningEntity => ({ kind, name, source, spec }));
    }),
  );
  return lists.flat();
}

export async function entitiesInFile(options: ConfigOptions): Promise<Entity[]> {
  const { config } = await loadValid(options);
  return ENTITY_KINDS.flatMap((kind) => entitiesOf(kind, config));
}

/** Makes the steps of a plan, one after the other. Ends at the first that the gateway refuses. */
export async function apply(
  options: LiveOptions,
  steps: readonly Step[],
  running: readonly RunningEntity[],
): Promise<void> {
  for (const [done, { kind, name, after }] of steps.entries()) {
    try {
      if (after !== null) await ask(options, 'PUT', pathOf(kind, name), { body: after });
      for (const gone of replaced(kind, name, after, running)) await ask(options, 'DELETE', pathOf(kind, gone));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      const made = `${done} of ${count(steps.length, 'change')} were made; sync again goes on with the rest.`;
      throw new CliError(error.exit, `${kind}/${name}: ${error.message}\n${made}`);
    }
  }
}

/** What has to go for this: itself, or, since address rules are kept as one, the others that say the same. */
function replaced(
  kind: Step['kind'],
  name: string,
  after: Step['after'],
  running: readonly RunningEntity[],
): readonly string[] {
  if (kind !== 'ip-rules') return after === null ? [name] : [];
  const made = running.filter((entity) => entity.kind === kind && entity.source === 'api').map((entity) => entity.name);
  return made.filter((each) => after === null || each !== name);
}

function pathOf(kind: Step['kind'], name: string): string {
  return `/api/admin/${kind}/${encodeURIComponent(name)}`;
}
