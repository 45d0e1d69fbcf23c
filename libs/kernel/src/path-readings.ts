/** A path, and in which other ways upstreams may read it. */
export interface ReadablePath {
  readonly path: string;
  /** None for nearly all. */
  readonly otherReadings: readonly string[];
}

const NONE: readonly never[] = Object.freeze([]);
const AMBIGUOUS = /%2f|%5c|%3b|%25[0-9a-f]{2}|[;\\]|\/\//i;

/**
 * An upstream may read `%2F` as a slash, decode once more than it should, or cut off `;parameters` before it looks for dot
 * segments. Whatever is decided by path has to hold for each of these too: what keeps `/login` keeps `/login;x` and
 * `/x/..;/login`.
 */
export function otherReadingsOf(path: string): readonly string[] {
  if (!AMBIGUOUS.test(path)) return NONE;
  const spellings = [path, decodedAgain(path)].flatMap((each) => [each, separated(each)]);
  const readings = spellings.flatMap((each) => [each, withoutParameters(each)]);
  const others = new Set(readings.flatMap(dotless));
  others.delete(path);
  return [...others];
}

function separated(path: string): string {
  return path.replace(/%2f|%5c|\\/gi, '/').replace(/%3b/gi, ';');
}

/** What was encoded twice, or more often. */
function decodedAgain(path: string): string {
  return path.replace(/%(?:25)+([0-9a-f]{2})/gi, (_, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : `%${hex}`;
  });
}

/**
 * Cut off, parameters may leave dot segments: `/a/..;/b` is `/b` for Tomcat. Slashes that stand together may be merged
 * before those are removed, or after.
 */
function dotless(path: string): string[] {
  const merged = withoutEmpty(path);
  if (!/\/\.\.?(?:\/|$)/.test(merged)) return [merged];
  return [merged, withoutDots(merged), withoutEmpty(withoutDots(path))];
}

function withoutEmpty(path: string): string {
  return path.replace(/\/{2,}/g, '/');
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '');
}
