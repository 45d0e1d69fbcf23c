/** As lenient as whoever may read it: a cookie without a name is sent as what its value is. */
const OUR_COOKIE = /^[\s=]*(?:__Host-)?aegis_(?:session|login)\s*=/i;

/** Browsers send the cookies of the console wherever it has its origin from; an upstream could sign in with them. */
export function withoutOurCookies(cookies: string): string {
  return cookies
    .split(/; */)
    .filter((each) => !OUR_COOKIE.test(each))
    .join('; ');
}

/** Whether a `Set-Cookie` is of one of them: an upstream could have a browser act as somebody else, or nobody. */
export function isOurCookie(setCookie: string): boolean {
  return OUR_COOKIE.test(setCookie);
}
