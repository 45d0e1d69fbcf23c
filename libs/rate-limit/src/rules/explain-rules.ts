import { type IncomingHttpHeaders } from 'node:http';
import { formatDuration } from '#kernel';
import { type Rule } from './rule.js';

/** Why a rule counts a request, as far as that can be told without its caller. */
export interface RuleExplanation {
  readonly rule: string;
  readonly limit: number;
  readonly window: string;
  readonly mode: 'enforce' | 'shadow';
  readonly applies: 'yes' | 'no' | 'depends';
  readonly reason: string;
}

/** `rules`: those for the path; `fallback`: what applies where none of them does, if anything. */
export function explainRules(
  rules: readonly Rule[],
  fallback: Rule | null,
  method: string,
  headers: IncomingHttpHeaders,
): RuleExplanation[] {
  const found = rules.map((rule) => explained(rule, ...verdictOf(rule, method, headers)));
  if (fallback === null || found.some(({ applies }) => applies === 'yes')) return found;
  const certain = found.every(({ applies }) => applies === 'no');
  return [...found, explained(fallback, certain ? 'yes' : 'depends', 'where no rule applies')];
}

function verdictOf({ scope }: Rule, method: string, headers: IncomingHttpHeaders): Verdict {
  const { methods, consumers, roles, plans } = scope;
  if (methods !== null && !methods.has(method)) return ['no', `it is for ${[...methods].join(', ')}`];
  if (!scope.headers.every((test) => test(headers))) return ['no', 'its header fields do not fit'];
  const callers = Object.entries({ consumer: consumers, role: roles, plan: plans }).flatMap(([what, names]) =>
    names === null ? [] : [`${what} ${[...names].join(' or ')}`],
  );
  return callers.length === 0 ? ['yes', 'it matches'] : ['depends', `it is for ${callers.join(', ')}`];
}

type Verdict = [applies: RuleExplanation['applies'], reason: string];

function explained({ name, limit, shadow }: Rule, ...[applies, reason]: Verdict): RuleExplanation {
  const window = limit.period === null ? formatDuration(limit.window / 1000) : `calendar ${limit.period}`;
  return { rule: name, limit: limit.limit, window, mode: shadow ? 'shadow' : 'enforce', applies, reason };
}
