import { type EntityKind } from '#config';

type Spec = Readonly<Record<string, unknown>>;
type Values = (item: Spec) => unknown;

const of =
  (key: string): Values =>
  (item) =>
    item[key];

/** By what the lists of each kind can be searched, and which values of an item that looks at. */
export const FILTERS: Readonly<Record<EntityKind, Readonly<Record<string, Values>>>> = {
  routes: {
    name: of('name'),
    path: ({ path }) => (isMap(path) ? Object.values(path) : path),
    host: of('hosts'),
    method: of('methods'),
    upstream: ({ upstream }) => [upstream].flat().map((share) => (isMap(share) ? share['upstream'] : share)),
    source: of('source'),
  },
  upstreams: {
    name: of('name'),
    target: ({ targets }) => [targets].flat().map((target) => (isMap(target) ? target['url'] : target)),
    source: of('source'),
  },
  consumers: { name: of('name'), role: of('roles'), plan: of('plan'), tag: of('tags'), source: of('source') },
  'rate-limit-rules': { name: of('name'), path: of('path'), mode: of('mode'), source: of('source') },
  'ip-rules': { name: of('name'), address: ({ allow, deny }) => [allow, deny].flat(), source: of('source') },
  roles: { name: of('name'), permission: of('permissions'), inherits: of('inherits'), source: of('source') },
  alerts: {
    name: of('name'),
    metric: of('metric'),
    severity: of('severity'),
    route: of('route'),
    source: of('source'),
  },
};

/** Whether one of the values is this one; `*` stands for any text. */
export function fits(values: unknown, wanted: string): boolean {
  const parts = wanted.split('*');
  return [values].flat().some((value) => {
    return typeof value === 'string' ? fitsText(value, parts) : typeof value === 'number' && String(value) === wanted;
  });
}

function fitsText(text: string, [first = '', ...rest]: readonly string[]): boolean {
  if (rest.length === 0) return text === first;
  const last = rest.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest.slice(0, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
