/** The expression, or why it is none. */
export function compileRegex(source: string): RegExp | string {
  try {
    return new RegExp(source);
  } catch (error) {
    return `the regular expression does not compile: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What every path that matches starts with; it keeps expressions that cannot match from being tried. */
export function literalPrefix(source: string): string {
  if (!source.startsWith('^') || hasAlternatives(source)) return '';
  const literal = /^\^((?:[A-Za-z0-9/_~%,;:@&='!-]|\\[./-])*)/.exec(source)?.[1] ?? '';
  const next = source.charAt(1 + literal.length);
  const sure = '*?{'.includes(next) && next !== '' ? literal.replace(/\\?.$/, '') : literal;
  return sure.replaceAll('\\', '');
}

/** Whether a `|` stands outside of groups and classes. */
function hasAlternatives(source: string): boolean {
  const bare = source.replace(/\\./gs, '').replace(/\[[^\]]*\]/g, '');
  let depth = 0;
  for (const char of bare) {
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === '|' && depth === 0) return true;
  }
  return false;
}
