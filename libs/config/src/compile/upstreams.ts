import { type Declared } from '../model/root.js';
import { BUILTIN_DEMO, type DeclaredUpstream, upstream } from '../model/upstream.js';
import { NAME } from '../model/values.js';
import { type Checks } from './checks.js';
import { type UpstreamConfig } from './config.js';
import { clientTlsOf } from './tls.js';
import { type Path } from '../schema/schema.js';

/** The upstreams by name; a URL that a route names becomes one with a single target and all defaults. */
export class Upstreams {
  private readonly byName = new Map<string, UpstreamConfig>();
  private readonly declared: readonly string[];

  constructor(
    gateway: Declared['gateway'],
    private readonly checks: Checks,
  ) {
    this.declared = [...new Set(gateway.upstreams.map(({ name }) => name))].filter((name) => name !== '');
    checks.unique(
      ['gateway', 'upstreams'],
      'upstream',
      gateway.upstreams.map(({ name }) => name),
    );
    for (const [index, each] of gateway.upstreams.entries()) {
      this.byName.set(each.name, upstreamOf(each, false, ['gateway', 'upstreams', index], checks));
    }
  }

  get all(): readonly UpstreamConfig[] {
    return [...this.byName.values()];
  }

  /** The upstream that a name or URL stands for; complains when there is none. */
  resolve(reference: string, path: Path): UpstreamConfig | undefined {
    if (reference === '') return undefined;
    const byUrl = !NAME.test(reference);
    const name = byUrl ? nameOf(reference) : reference;
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    if (byUrl) {
      const made = upstreamOf(undeclared(name, reference), true, path, this.checks);
      this.byName.set(name, made);
      return made;
    }
    const near = this.checks.meant(name, this.declared);
    this.checks.wrong(path, `no upstream is called ${JSON.stringify(name)}`, {
      allowed:
        this.declared.length > 0 ? `${shortened(this.declared)}, or a URL` : 'a URL, or a name under gateway.upstreams',
      ...(near !== undefined && { hint: `did you mean ${near}?` }),
    });
    return undefined;
  }
}

function shortened(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} … (${names.length} in all)`;
}

/** `host:port`, which no declared upstream can be called; with the scheme where that alone would be ambiguous. */
function nameOf(reference: string): string {
  if (reference === BUILTIN_DEMO) return reference;
  const { protocol, hostname, port } = new URL(reference);
  const secure = protocol === 'https:';
  const number = port === '' ? (secure ? '443' : '80') : port;
  const usual = secure ? number === '443' : number !== '443';
  return `${usual ? '' : `${protocol}//`}${hostname}:${number}`;
}

function undeclared(name: string, reference: string): DeclaredUpstream {
  return { ...upstream.blank, name, targets: [{ url: reference, weight: 1, resolve: null }] };
}

function upstreamOf(declared: DeclaredUpstream, implicit: boolean, path: Path, checks: Checks): UpstreamConfig {
  const { targets, balance, hashOn, concurrency, retry } = declared;
  const first = new Map<string, number>();
  for (const [index, { url }] of targets.entries()) {
    const before = first.get(url);
    if (before === undefined) first.set(url, index);
    else if (url !== '')
      checks.wrong([...path, 'targets', index], `${url} is target ${before + 1} already`, {
        hint: 'give one of them a weight',
      });
  }
  if (targets.length > 0 && targets.every(({ weight }) => weight === 0)) {
    checks.wrong([...path, 'targets'], 'every target has weight 0, so none could ever be chosen');
  }
  if (hashOn !== null && balance !== 'hash') {
    checks.warn([...path, 'hashOn'], `it has no effect with balance: ${balance}`, 'write balance: hash');
  }
  return {
    ...declared,
    hashOn: balance === 'hash' ? (hashOn ?? { kind: 'ip' }) : null,
    concurrency: concurrency === 'unlimited' ? null : concurrency,
    retry: retry === null || retry.attempts === 0 ? null : retry,
    tls: clientTlsOf(declared.tls, [...path, 'tls'], checks),
    implicit,
  };
}
