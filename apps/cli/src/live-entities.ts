import { type Schemas } from '#admin-client';
import { ENTITY_KINDS, entitiesOf, type Entity } from '#config';
import { type ConfigOptions, loadValid } from './config-file.js';
import { CliError } from './exit.js';
import { ask, askAll, type LiveOptions, LONG_PATIENCE_MS } from './live-gateway.js';
import { documentOf } from './sync-document.js';
import { idOf, type Plan, planOf, type RunningEntity, type Step } from './sync-plan.js';
import { count } from './terminal.js';

/** The entities that a gateway serves, each as it was written. */
export async function runningEntities(options: LiveOptions): Promise<RunningEntity[]> {
  const lists = await Promise.all(
    ENTITY_KINDS.map(async (kind) => {
      const items = await askAll(options, `GET /api/admin/${kind}`, {});
      return items.map(({ name, source, ...spec }): RunningEntity => ({ kind, name, source, spec }));
    }),
  );
  return lists.flat();
}

/** An entity that a file wants: as it may be shown, and as it is. */
export interface WantedEntity extends Entity {
  readonly whole: Entity['spec'];
}

export async function entitiesInFile(file: string, options: ConfigOptions): Promise<WantedEntity[]> {
  const otherName = 'name the file with what is wanted';
  const { config } = await loadValid({ ...options, config: file, otherName, takesMasks: true });
  return ENTITY_KINDS.flatMap((kind) => {
    const revealed = entitiesOf(kind, config, 'revealed');
    return entitiesOf(kind, config).map((entity, index) => ({
      ...entity,
      whole: revealed[index]?.spec ?? entity.spec,
    }));
  });
}

/** The version of the entities that a gateway has, so that nobody else's change is undone unseen. */
async function versionOf(options: LiveOptions): Promise<number> {
  const { items } = await ask(options, 'GET /api/admin/config/history', { query: { limit: 1 } });
  return items[0]?.version ?? 0;
}

export interface Comparison {
  readonly plan: Plan;
  readonly running: readonly RunningEntity[];
  readonly wanted: readonly WantedEntity[];
  readonly version: number;
}

/** What has to happen for a gateway to run what a file says. */
export async function compare(file: string, options: LiveOptions & ConfigOptions, prune: boolean): Promise<Comparison> {
  const wanted = await entitiesInFile(file, options);
  const version = await versionOf(options);
  const running = await runningEntities(options);
  const plan = planOf(wanted, running, prune);
  return { plan: await withSecrets(options, plan, wanted, running), running, wanted, version };
}

/** Nobody is shown secrets, so only the gateway can say whether those of entities that look the same are the same. */
async function withSecrets(
  options: LiveOptions,
  plan: Plan,
  wanted: readonly WantedEntity[],
  running: readonly RunningEntity[],
): Promise<Plan> {
  const others = new Set([...plan.steps, ...plan.blocked].map(idOf));
  const ofFile = new Set(running.filter(({ source }) => source === 'file').map(idOf));
  const same = wanted.filter((entity) => {
    const id = idOf(entity);
    return !others.has(id) && !ofFile.has(id) && JSON.stringify(entity.spec) !== JSON.stringify(entity.whole);
  });
  if (same.length === 0) return plan;
  const steps = same.map(({ kind, name, spec }): Step => ({ action: 'change', kind, name, before: spec, after: spec }));
  const body = documentAfter(running, steps, wanted);
  const patient = { ...options, patience: LONG_PATIENCE_MS };
  const { updated } = await ask(patient, 'POST /api/admin/config/validate', { body });
  return { ...plan, steps: [...steps.filter((step) => updated.includes(idOf(step))), ...plan.steps] };
}

/**
 * Makes the changes of a plan: all at once, as one version, or none. A key that may change some kinds only makes them one
 * after the other, and ends at the first that the gateway refuses.
 */
export async function apply(options: LiveOptions, { plan, running, wanted, version }: Comparison): Promise<void> {
  const body = documentAfter(running, plan.steps, wanted);
  const patient = { ...options, patience: LONG_PATIENCE_MS };
  try {
    await ask(patient, 'PUT /api/admin/config', { body, headers: { 'If-Match': `"v${version}"` } });
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (error.more.code === 'precondition_failed') {
      const told = 'Somebody else has changed something since this plan was made; nothing was done. Sync again.';
      throw new CliError(error.exit, told, { code: 'precondition_failed' });
    }
    if (error.more.code !== 'forbidden') throw error;
    await applyOneByOne(options, plan.steps, running, wanted);
  }
}

async function applyOneByOne(
  options: LiveOptions,
  steps: readonly Step[],
  running: readonly RunningEntity[],
  wanted: readonly WantedEntity[],
): Promise<void> {
  const whole = wholeOf(wanted);
  for (const [done, { kind, name, after }] of steps.entries()) {
    try {
      // It was read by the schema that the API has from the same place.
      const body = (whole.get(idOf({ kind, name })) ?? after) as never;
      if (after !== null) await ask(options, `PUT /api/admin/${kind}/{name}`, { path: { name }, body });
      for (const gone of replaced(kind, name, after, running)) {
        await ask(options, `DELETE /api/admin/${kind}/{name}`, { path: { name: gone } });
      }
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      const made = `${done} of ${count(steps.length, 'change')} were made; sync again goes on with the rest.`;
      const brief = `${kind}/${name}: ${error.more.brief ?? error.message} ${made}`;
      throw new CliError(error.exit, `${kind}/${name}: ${error.message}\n${made}`, { ...error.more, brief });
    }
  }
}

/** Everything that the admin API is to have after these steps. Address rules have no names there, so those of the file come along. */
function documentAfter(
  running: readonly RunningEntity[],
  steps: readonly Step[],
  wanted: readonly WantedEntity[],
): Schemas['Configuration'] {
  const whole = wholeOf(wanted);
  const entities = new Map(
    running
      .filter(({ kind, source }) => source === 'api' || kind === 'ip-rules')
      .map((each) => [idOf(each), each as Entity]),
  );
  for (const { kind, name, after } of steps) {
    for (const gone of replaced(kind, name, after, running)) entities.delete(idOf({ kind, name: gone }));
    if (after !== null)
      entities.set(idOf({ kind, name }), { kind, name, spec: whole.get(idOf({ kind, name })) ?? after });
  }
  return { ...documentOf([...entities.values()]) };
}

/** Address rules are put together for a plan, and have no secrets. */
function wholeOf(wanted: readonly WantedEntity[]): ReadonlyMap<string, Entity['spec']> {
  return new Map(wanted.filter(({ kind }) => kind !== 'ip-rules').map((entity) => [idOf(entity), entity.whole]));
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
