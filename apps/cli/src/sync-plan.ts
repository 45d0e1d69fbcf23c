import { type Entity, type EntityKind, hasMask, readEntity, shownMeaning } from '#config';

type Spec = Entity['spec'];

/** An entity that runs, and whether the gateway's own file declares it. */
export interface RunningEntity extends Entity {
  readonly source: 'file' | 'api';
}

export interface Step {
  readonly action: 'create' | 'change' | 'delete';
  readonly kind: EntityKind;
  readonly name: string;
  readonly before: Spec | null;
  readonly after: Spec | null;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Wanted otherwise, but declared in the gateway's own file: nothing can change those from here. */
  readonly blocked: readonly Step[];
  /** They run and are not wanted; without pruning they stay. */
  readonly kept: readonly Step[];
}

/** The address rules of a file have no name; among the entities those that are made for a file have this one. */
const IP_RULES = 'config';

/** What others need comes first. */
const ORDER: readonly EntityKind[] = [
  'roles',
  'upstreams',
  'consumers',
  'rate-limit-rules',
  'ip-rules',
  'routes',
  'alerts',
];

/** What has to happen, in order, for these entities to run; whatever reads the same is the same. */
export function planOf(wanted: readonly Entity[], running: readonly RunningEntity[], prune: boolean): Plan {
  const runs = new Map(withOneIpRule(running).map((entity) => [idOf(entity), entity]));
  const wants = new Map(withoutIpRulesOfFile(wanted, running, prune).map((entity) => [idOf(entity), entity]));
  const steps: Step[] = [];
  const blocked: Step[] = [];
  for (const [id, entity] of wants) {
    const now = runs.get(id);
    if (now !== undefined && meaningOf(now) === meaningOf(entity)) continue;
    const { kind, name, spec: after } = entity;
    const step: Step = {
      action: now === undefined ? 'create' : 'change',
      kind,
      name,
      before: now?.spec ?? null,
      after,
    };
    (now?.source === 'file' ? blocked : steps).push(step);
  }
  const unwanted = [...runs.values()].filter((entity) => entity.source === 'api' && !wants.has(idOf(entity)));
  const deletions = unwanted.map(({ kind, name, spec }): Step => {
    return { action: 'delete', kind, name, before: spec, after: null };
  });
  return {
    steps: inOrder(prune ? [...steps, ...deletions] : steps),
    blocked: inOrder(blocked),
    kept: prune ? [] : inOrder(deletions),
  };
}

/** A field of an entity that is another afterwards: `targets.0.url`. */
export interface FieldChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export function fieldChanges({ before, after }: Pick<Step, 'before' | 'after'>): FieldChange[] {
  const old = new Map(leavesOf(before ?? {}));
  const now = new Map(leavesOf(after ?? {}));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((path) => !looksTheSame(old.get(path), now.get(path)))
    .map((path) => ({ path, before: old.get(path), after: now.get(path) }));
}

/** Masks may be worded differently, and none says what it stands for. */
function looksTheSame(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(after) || (hasMask(before) && hasMask(after));
}

function leavesOf(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, path === '' ? key : `${path}.${key}`));
}

/** What is needed no longer goes last, and those first that needed others. */
function inOrder(steps: readonly Step[]): Step[] {
  const of = (kind: EntityKind, gone: boolean): Step[] =>
    steps.filter((step) => step.kind === kind && (step.action === 'delete') === gone);
  return [...ORDER.flatMap((kind) => of(kind, false)), ...ORDER.toReversed().flatMap((kind) => of(kind, true))];
}

export function idOf({ kind, name }: Pick<Entity, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

function meaningOf(entity: Entity): string {
  return shownMeaning(entity.kind, readEntity(entity).value);
}

interface Lists {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

function listsOf({ spec }: Entity): Lists {
  const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
  return { allow: list(spec['allow']), deny: list(spec['deny']) };
}

/** All address rules work as one: so they are compared as one, those of the gateway's own file aside. */
function withOneIpRule(running: readonly RunningEntity[]): RunningEntity[] {
  const made = running.filter(({ kind, source }) => kind === 'ip-rules' && source === 'api').map(listsOf);
  const rest = running.filter(({ kind }) => kind !== 'ip-rules');
  const spec = sorted({ allow: made.flatMap(({ allow }) => allow), deny: made.flatMap(({ deny }) => deny) });
  return isEmpty(spec) ? rest : [...rest, { kind: 'ip-rules', name: IP_RULES, spec, source: 'api' }];
}

function withoutIpRulesOfFile(wanted: readonly Entity[], running: readonly RunningEntity[], prune: boolean): Entity[] {
  const ofFile = running.filter(({ kind, source }) => kind === 'ip-rules' && source === 'file').map(listsOf);
  const said = wanted.filter(({ kind }) => kind === 'ip-rules').map(listsOf);
  const made = running.filter(({ kind, source }) => kind === 'ip-rules' && source === 'api').map(listsOf);
  const lists = said.length === 0 || prune ? said : [...said, ...made];
  const beyond = (which: keyof Lists): string[] => {
    const known = new Set(ofFile.flatMap((each) => each[which]));
    return lists.flatMap((each) => each[which]).filter((address) => !known.has(address));
  };
  const spec = sorted({ allow: beyond('allow'), deny: beyond('deny') });
  const rest = wanted.filter(({ kind }) => kind !== 'ip-rules');
  return isEmpty(spec) ? rest : [...rest, { kind: 'ip-rules', name: IP_RULES, spec }];
}

function sorted({ allow, deny }: Lists): Spec & Lists {
  return { allow: [...new Set(allow)].sort(), deny: [...new Set(deny)].sort() };
}

function isEmpty({ allow, deny }: Lists): boolean {
  return allow.length + deny.length === 0;
}
