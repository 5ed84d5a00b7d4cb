/** Where a person goes after sign-in: a path of this site, never another site. */

const base = 'http://local.invalid';
const maxLength = 2_000;
/** Browsers read a backslash as a slash and drop tabs and newlines: "/\host" and "/<tab>/host" would leave the site. */
// oxlint-disable-next-line no-control-regex -- the control characters are what this refuses
const charactersThatBrowsersRewrite = /[\\\u0000-\u0020\u007f]/;
/** These paths would send the person back to sign-in. */
const signInPaths = /^\/(auth\/|sign-in(?:[/?#]|$))/;

/** The path (with query and fragment) if `text` is a safe path of this site, otherwise `fallback`. */
export function safeReturnTo(text: string | null | undefined, fallback: string): string {
  if (text === null || text === undefined || text.length > maxLength || !text.startsWith('/')) return fallback;
  if (charactersThatBrowsersRewrite.test(text)) return fallback;
  const url = URL.parse(text, base);
  if (!url || url.origin !== base) return fallback;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // "/.//host" is normalised to "//host", which is another site.
  return path.startsWith('//') || signInPaths.test(path) ? fallback : path;
}
