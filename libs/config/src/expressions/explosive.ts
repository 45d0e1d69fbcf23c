import { type Expression, type Finding } from '../schema/schema.js';
import { examine, type Limits, type Sake, type Verdict } from './examination.js';

/** What is wrong with those that a client could keep the process busy with. */
export async function explosive(
  expressions: readonly Expression[],
  limits?: Limits,
  sake?: Sake,
): Promise<readonly Finding[]> {
  if (expressions.length === 0) return [];
  const verdicts = await examine(
    expressions.map(({ source }) => source),
    limits,
    sake,
  );
  return expressions.flatMap(({ source, path, origin }) => {
    const complaint = complain(verdicts.get(source) ?? { kind: 'unknown' }, source);
    return complaint === null ? [] : [{ path, origin, ...complaint }];
  });
}

/** Whether nothing is wrong with any of these. */
export async function areHarmless(expressions: readonly Expression[]): Promise<boolean> {
  return (await explosive(expressions)).length === 0;
}

function complain(verdict: Verdict, source: string): Pick<Finding, 'message' | 'hint'> | null {
  const shown = JSON.stringify(source.length > 60 ? `${source.slice(0, 57)}…` : source);
  switch (verdict.kind) {
    case 'safe':
      return null;
    case 'exponential':
      return {
        message: `${shown}: a client could stop the gateway with it: each further character may double the time that ${part(verdict)} takes`,
        hint: 'what repeats has only one way to fit: a+ instead of (a+)+, (a|b)* instead of (a|ab|b)*, [a-z]+(-[a-z]+)* instead of ([a-z]+-?)+',
      };
    case 'polynomial':
      return {
        message: `${shown}: a client could slow the gateway down with it: the time that ${part(verdict)} takes grows faster than the text`,
        hint: 'begin with ^, let two repetitions not share characters ([^/]* instead of .*), or bound them: .{0,64}',
      };
    case 'unknown':
      return {
        message: `${shown}: it could not be shown in time that a client cannot stop the gateway with it`,
        hint: 'make it shorter or simpler: fewer nested or bounded repetitions, no back-references',
      };
  }
}

function part({ part }: { readonly part: string }): string {
  return JSON.stringify(part.length > 40 ? `${part.slice(0, 37)}…` : part);
}
