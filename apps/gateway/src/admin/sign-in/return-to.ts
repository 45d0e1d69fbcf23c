/** Who signed in without having been anywhere sees who they are. */
const HOME = '/api/admin/me';
const OURS = /^\/(?:console|_aegis|api\/admin)(?:[/?#]|$)/;
const LONGEST = 1024;
const SOMEWHERE = 'http://here.invalid';

/**
 * Where to go after the sign-in: a page of Aegis itself. Whatever else is asked for, other sites above all, is as if
 * nothing was: the address comes from a link that anybody may have made.
 */
export function returnPath(wanted: string | null): string {
  if (wanted === null || wanted.length > LONGEST || !wanted.startsWith('/') || !URL.canParse(wanted, SOMEWHERE)) {
    return HOME;
  }
  const { origin, pathname, search, hash } = new URL(wanted, SOMEWHERE);
  return origin === SOMEWHERE && OURS.test(pathname) ? pathname + search + hash : HOME;
}
