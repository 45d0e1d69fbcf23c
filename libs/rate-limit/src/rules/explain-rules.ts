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

/** `readings`: the rules for the path in each way in which it can be read; `fallback`: what applies where none of them does, if anything. */
export function explainRules(
  readings: readonly (readonly Rule[])[],
  fallback: Rule | null,
  method: string,
  headers: IncomingHttpHeaders,
): RuleExplanation[] {
  const rules = [...new Set(readings.flat())].sort((a, b) => a.order - b.order);
  const found = rules.map((rule) => explained(rule, ...verdictOf(rule, method, headers)));
  if (fallback === null) return found;
  const open = readings
    .map((each) => each.map((rule) => verdictOf(rule, method, headers)[0]))
    .filter((each) => !each.includes('yes'));
  if (open.length === 0) return found;
  const certain = open.some((each) => each.every((applies) => applies === 'no'));
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
