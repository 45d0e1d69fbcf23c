export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  readonly text: string;
  readonly changed: boolean;
  /** One for each variable that is not there, or reference that is not one. */
  readonly problems: readonly string[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/** Puts in what `${NAME}` and `${NAME:-default}` stand for; `$${` is a plain `${`. */
export function substitute(text: string, env: Environment): Substituted {
  const problems: string[] = [];
  let changed = false;
  const result = text.replace(REFERENCE, (whole, inside: string | undefined, end: string) => {
    if (inside === undefined) return '${';
    changed = true;
    const [, name, fallback] = VARIABLE.exec(inside) ?? [];
    if (name === undefined || end === '') {
      problems.push(`${JSON.stringify(whole)} is not a reference to the environment; a literal \${ is written $\${`);
      return '';
    }
    const value = env[name];
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
    if (value === undefined) {
      problems.push(`the environment variable ${name} is not set; set it, or give a default: \${${name}:-…}`);
    }
    return value ?? '';
  });
  return { text: result, changed, problems };
}

/** So that a text means itself when it is read back. */
export function escapeReferences(text: string): string {
  return text.replaceAll('${', () => '$${');
}
