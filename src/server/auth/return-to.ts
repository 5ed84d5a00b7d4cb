/** Where a person goes after sign-in: a path of this site, never another site. */

const base = 'http://local.invalid';

/** The path (with query and fragment) when `text` is a safe local one, otherwise `/`. */
export function safeReturnTo(text: string | undefined): string {
  if (text === undefined || text.length > 2_000 || !text.startsWith('/')) return '/';
  // Browsers read a backslash as a slash, and drop tabs and newlines: "/\host" and "/<tab>/host" would leave the site.
  // oxlint-disable-next-line no-control-regex -- naming the control characters is the point here
  if (/[\\\u0000-\u0020\u007f]/.test(text)) return '/';
  const url = URL.parse(text, base);
  if (!url || url.origin !== base) return '/';
  const path = `${url.pathname}${url.search}${url.hash}`;
  // A path such as "/.//host" is normalised to "//host", which is another site again; /auth/ would go in circles.
  return path.startsWith('//') || path.startsWith('/auth/') ? '/' : path;
}
