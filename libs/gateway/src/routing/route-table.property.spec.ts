import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { explain, type RouteRequest } from './explain.js';
import { normalizePath } from './normalize-path.js';
import { literalPrefix } from './regex.js';
import { type RoutableRoute, type ValueMatch } from './routable-route.js';
import { RouteTable } from './route-table.js';
import { queryValue } from './value-matcher.js';

/** The rules as the contract says them, one route and one pair of routes at a time; nothing is shared with the table. */
class NaiveTable {
  readonly #routes: NaiveRoute[];

  constructor(routes: readonly RoutableRoute[]) {
    this.#routes = routes.map((route, index) => naive(route, index));
  }

  answer(request: RouteRequest): string {
    const host = request.host.replace(/:[0-9]+$/, '').toLowerCase();
    const segments = request.path.split('/').slice(1);
    const params = new URLSearchParams(request.query);
    let best: { route: NaiveRoute; host: number } | undefined;
    const allow = new Set<string>();
    for (const route of this.#routes) {
      if (!route.path(request.path, segments)) continue;
      const fit = hostFit(route.hosts, host);
      if (fit < 0 || !route.rest(request, params)) continue;
      if (route.methods.length > 0 && !route.methods.includes(request.method)) {
        for (const method of route.methods) allow.add(method);
        continue;
      }
      if (best === undefined || goesFirst({ route, host: fit }, best)) best = { route, host: fit };
    }
    if (best !== undefined) return best.route.name;
    return allow.size > 0 ? `405 ${[...allow].sort().join()}` : '404';
  }
}

interface NaiveRoute {
  name: string;
  hosts: readonly string[];
  methods: readonly string[];
  path: (path: string, segments: string[]) => boolean;
  rest: (request: RouteRequest, params: URLSearchParams) => boolean;
  /** Higher goes first, in this order. */
  keys: number[];
}

function naive(route: RoutableRoute, index: number): NaiveRoute {
  const { kind, value } = route.path;
  const [headers, query] = [Object.entries(route.headers), Object.entries(route.query)];
  const wanted = value.split('/').slice(1);
  const literals = wanted.filter((segment) => kind !== 'pattern' || (!segment.startsWith(':') && segment !== '*'));
  const prefix = kind === 'prefix' && wanted.at(-1) === '' ? wanted.slice(0, -1) : wanted;
  const regex = new RegExp(kind === 'regex' ? value : 'x');
  const path = {
    exact: (asked: string) => asked === value,
    regex: (asked: string) => regex.test(asked),
    prefix: (_: string, asked: string[]) => startsWith(asked, prefix, false),
    pattern: (_: string, asked: string[]) =>
      (wanted.at(-1) === '*' ? asked.length >= wanted.length : asked.length === wanted.length) &&
      startsWith(asked, wanted, true),
  };
  const spelled = (kind === 'prefix' ? prefix : literals).join('').length;
  const slashes = kind === 'prefix' ? Math.max(prefix.length, 1) : wanted.length;
  return {
    name: route.name,
    hosts: route.hosts,
    methods: route.methods,
    path: path[kind],
    rest: ({ headers: sent }, params) => {
      for (const [name, match] of headers) if (!holds(match, sent[name] as string | undefined)) return false;
      for (const [name, match] of query) if (!holds(match, params.get(name) ?? undefined)) return false;
      return true;
    },
    keys: [
      route.priority,
      { exact: 3, pattern: 2, prefix: 2, regex: 1 }[kind],
      kind === 'regex' ? 0 : spelled + slashes,
      kind === 'exact' || (kind === 'pattern' && wanted.at(-1) !== '*') ? 1 : 0,
      route.methods.length > 0 ? 1 : 0,
      Object.keys(route.headers).length,
      Object.keys(route.query).length,
      -index,
    ],
  };
}

/** A loop: this is asked a hundred million times. */
function startsWith(asked: string[], wanted: string[], params: boolean): boolean {
  for (let i = 0; i < wanted.length; i++) {
    const segment = wanted[i]!;
    if (asked[i] === segment) continue;
    if (params && segment === '*') return true;
    if (!params || !segment.startsWith(':') || !asked[i]) return false;
  }
  return true;
}

function holds(match: ValueMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  return match.kind === 'present' || (match.kind === 'exact' ? match.value === value : value.includes(match.value));
}

/** 1000 for the name itself, else the length of the longest wildcard that takes it, 0 for a route for any host. */
function hostFit(hosts: readonly string[], host: string): number {
  let fit = hosts.length === 0 ? 0 : -1;
  for (const one of hosts) {
    if (one === host) return 1000;
    if (one.startsWith('*') && host.endsWith(one.slice(1)) && one.length > fit) fit = one.length;
  }
  return fit;
}

function goesFirst(a: { route: NaiveRoute; host: number }, b: { route: NaiveRoute; host: number }): boolean {
  const left = [a.host, ...a.route.keys];
  const right = [b.host, ...b.route.keys];
  const i = left.findIndex((key, at) => key !== right[at]);
  return i !== -1 && left[i]! > right[i]!;
}

/** Taken out once: in jest's contexts a global costs more than the multiplication. */
const { imul } = Math;

/** Random routes and requests that meet often: all are made of a few words, the more of them the larger `spread`. */
class Maker {
  readonly #words: string[];

  constructor(
    private seed: number,
    spread: number,
    /** How many of a hundred routes ask for headers, and for a query. */
    private readonly asking: number,
  ) {
    const stems = ['a', 'ab', 'abc', 'b', 'user', 'users', 'v1', 'v2', 'x%2Fy', ''];
    this.#words = Array.from({ length: spread }, (_, i) => (stems[i % 10] ?? '') + (i < 9 ? '' : String(i)));
  }

  /** Mulberry32. */
  below(n: number): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  route(index: number): RoutableRoute {
    return {
      name: `r${index}`,
      hosts: this.chance(50) ? [] : [...new Set(this.list(3, () => this.#host(true)))],
      path: this.#path(),
      methods: this.chance(60) ? [] : [...new Set(this.list(3, () => this.#method()))],
      headers: this.#matches(['h1', 'h2', 'h3']),
      query: this.#matches(['q1', 'q2']),
      priority: this.chance(85) ? 0 : this.below(5) - 2,
    };
  }

  request(): RouteRequest {
    const query = this.list(3, () => `${this.one(['q1', 'q2', 'q%31', 'q'])}${this.one(['', '=1', '=2', '=12'])}`);
    return {
      method: this.#method(),
      host: this.one(['', this.#host(false), `${this.#host(false).toUpperCase()}:8080`]),
      path: `/${this.#segments(5, []).join('/')}`,
      headers: Object.fromEntries(this.list(3, () => [this.one(['h1', 'h2', 'h3']), this.one(['1', '2', '12'])])),
      query: query.length === 0 ? '' : `?${query.join('&')}`,
    };
  }

  #method(): string {
    return this.one(['GET', 'POST', 'PUT', 'DELETE']);
  }

  #host(wildcards: boolean): string {
    const name = [...this.list(2, () => this.one(['a', 'b', 'api'])), this.one(['a', 'b']), 'com'].join('.');
    return wildcards && this.chance(40) ? `*.${name}` : name;
  }

  #segments(most: number, special: readonly string[]): string[] {
    const segments = this.list(most, () => (special.length > 0 && this.chance(30) ? this.one(special) : this.#word()));
    return this.chance(10) ? [...segments, ''] : segments;
  }

  #word(): string {
    return this.one(this.#words) || 'w';
  }

  #path(): RoutableRoute['path'] {
    const kind = this.one(['prefix', 'prefix', 'exact', 'pattern', 'pattern', 'regex'] as const);
    const segments = this.#segments(4, kind === 'pattern' ? [':'] : []);
    if (kind === 'regex') {
      const [first = 'a', second = 'b'] = segments;
      const forms = [
        `^/${first}[0-9]*/${second}`,
        `^/${first}?`,
        `/${first}$`,
        `^/${first}|/${second}$`,
        `^/(a|${first})/`,
      ];
      return { kind, value: this.one(forms) };
    }
    const named = segments.map((segment, i) => (segment === ':' ? `:p${i}` : segment));
    if (kind === 'pattern' && named.at(-1) !== '' && this.chance(30)) named.push('*');
    return { kind, value: `/${named.join('/')}` };
  }

  #matches(names: string[]): Record<string, ValueMatch> {
    if (!this.chance(this.asking)) return {};
    const match = (): ValueMatch =>
      this.chance(50)
        ? { kind: 'exact', value: this.one(['1', '2', '12']) }
        : this.one([{ kind: 'present' }, { kind: 'regex', value: '2' }] as const);
    return Object.fromEntries([1, ...this.list(1, () => 2)].map(() => [this.one(names), match()]));
  }
}

function answerOf(table: RouteTable<RoutableRoute>, request: RouteRequest): string {
  const result = table.match(request.method, request.host, request.path, request, request.query);
  if (result.kind === 'route') return result.route.name;
  return result.kind === 'not_found' ? '404' : `405 ${result.allow.join()}`;
}

function disagreements(seed: number, spread: number, routes: number, requests: number, asking = 20): unknown[] {
  const make = new Maker(seed, spread, asking);
  const list = Array.from({ length: routes }, (_, i) => make.route(i));
  const [table, reference] = [new RouteTable(list), new NaiveTable(list)];
  const found: unknown[] = [];
  for (let i = 0; i < requests; i++) {
    const request = make.request();
    const [ours, theirs] = [answerOf(table, request), reference.answer(request)];
    if (ours !== theirs)
      found.push({ request, ours, theirs, routes: list.filter(({ name }) => name === ours || name === theirs) });
  }
  return found;
}

describe('a route table', () => {
  it('of 1,000 random routes agrees with a naive matcher on 100,000 random requests', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(10, 40, 120), (seed, spread) => {
        expect(disagreements(seed, spread, 1_000, 5_000)).toEqual([]);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  }, 120_000);

  it('of a few random routes agrees with a naive matcher, refusals included', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(3, 6), fc.integer({ min: 0, max: 25 }), (seed, spread, routes) => {
        expect(disagreements(seed, spread, routes, 60)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('of routes that share their paths and differ in headers and query agrees with a naive matcher', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 10, max: 300 }), (seed, routes) => {
        expect(disagreements(seed, 1, routes, 60, 90)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('explains every answer that it gives', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(3, 8), (seed, spread) => {
        const make = new Maker(seed, spread, 20);
        const table = new RouteTable(Array.from({ length: 20 }, (_, i) => make.route(i)));
        for (let i = 0; i < 30; i++) {
          const { result, routes } = explain(table, make.request());
          const outcomes = routes.map(({ outcome }) => outcome);
          const won = routes.filter(({ outcome }) => outcome === 'won').map(({ route }) => route);
          expect(won).toEqual(result.kind === 'route' ? [result.route] : []);
          expect(outcomes.includes('shadowed') ? won.length : 1).toBe(1);
          if (result.kind === 'method_not_allowed') expect(outcomes).toContain('method');
          expect(routes).toHaveLength(20);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('what the table takes for granted', () => {
  it('an expression matches nothing that does not start with its literal prefix', () => {
    const source = fc
      .array(
        fc.constantFrom(
          'a',
          'b',
          '/',
          '\\.',
          '\\/',
          '?',
          '*',
          '+',
          '(',
          ')',
          '|',
          '[ab]',
          '[|]',
          '\\|',
          '{2}',
          '.',
          '$',
        ),
        {
          maxLength: 10,
        },
      )
      .map((parts) => `^${parts.join('')}`)
      .filter((text) => {
        try {
          return new RegExp(text).source !== '';
        } catch {
          return false;
        }
      });
    const text = fc.array(fc.constantFrom('a', 'b', '/', '.', '|'), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(source, fc.array(text, { minLength: 30, maxLength: 30 }), (written, texts) => {
        const prefix = literalPrefix(written);
        const regex = new RegExp(written);
        expect(texts.filter((one) => regex.test(one) && !one.startsWith(prefix))).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('a query parameter is what URLSearchParams finds', () => {
    const piece = fc.constantFrom('a', 'b', 'ab', '=', '&', '%61', '+', '?', '1', '%');
    const query = fc
      .array(piece, { maxLength: 10 })
      .map((pieces) => (pieces.length === 0 ? '' : `?${pieces.join('')}`));
    const name = fc.constantFrom('a', 'b', 'ab', '', '?a', 'a b', 'a=b', '1');
    fc.assert(
      fc.property(query, name, (text, wanted) => {
        expect(queryValue(text, wanted)).toBe(new URLSearchParams(text).get(wanted) ?? undefined);
      }),
      { numRuns: 5_000 },
    );
  });

  it('the parameters of every normalised path can be decoded', () => {
    const table = new RouteTable([new Maker(1, 3, 20).route(0), { ...new Maker(1, 3, 20).route(1), ...ANY_SEGMENT }]);
    const raw = fc.array(fc.constantFrom('%', '%25', '%C3%A9', '%C3', '%zz', 'a', '/', '%00', '%2f'), { maxLength: 6 });
    fc.assert(
      fc.property(raw, (pieces) => {
        const path = normalizePath(`/${pieces.join('')}`);
        if (typeof path !== 'string') return;
        const result = table.match('GET', '', path, { headers: {} }, '');
        if (result.kind === 'route') expect(Object.values(result.params)).toBeDefined();
      }),
      { numRuns: 2_000 },
    );
  });
});

const ANY_SEGMENT: Partial<RoutableRoute> = {
  hosts: [],
  methods: [],
  headers: {},
  query: {},
  priority: 9,
  path: { kind: 'pattern', value: '/:one' },
};
