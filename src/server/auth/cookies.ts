/** The cookies of this site. Over https the `__Host-` prefix binds them to the host; plain http is only for localhost. */

export interface CookieJar {
  /** The full name of a cookie on this site. */
  nameOf(base: string): string;
  /** All cookies of a request by full name. */
  parse(header: string | undefined): Map<string, string>;
  /** The header that sets the cookie for `maxAgeSeconds`; 0 removes it. `value` contains only base64url and dots. */
  set(base: string, value: string, options: { maxAgeSeconds: number }): string;
}

/** @param isSecure whether the site is served over https */
export function createCookieJar(isSecure: () => boolean): CookieJar {
  const nameOf = (base: string) => (isSecure() ? `__Host-${base}` : base);
  return {
    nameOf,
    parse(header) {
      const cookies = new Map<string, string>();
      for (const pair of header?.split(';') ?? []) {
        const [name, value] = splitOnce(pair.trim());
        if (!cookies.has(name)) cookies.set(name, value); // browsers send the most specific cookie of a name first
      }
      return cookies;
    },
    // Lax and not Strict: the redirect back from the issuer is a navigation that starts on another site.
    set: (base, value, { maxAgeSeconds }) =>
      `${nameOf(base)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${isSecure() ? '; Secure' : ''}`,
  };
}

function splitOnce(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair, ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}
