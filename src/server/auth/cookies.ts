/** Cookies of this site. Over https they are bound to the host by the `__Host-` prefix; plain http is for localhost. */
import { fastifyCookie } from '@fastify/cookie';

export interface CookieJar {
  /** The full name of a cookie on this site. */
  nameOf(base: string): string;
  /** All cookies of a request, by full name. */
  parse(header: string | undefined): Record<string, string | undefined>;
  /** The header that sets the cookie for `maxAgeSeconds`; 0 removes it. */
  set(base: string, value: string, options: { maxAgeSeconds: number }): string;
}

/** @param isSecure whether the site is served over https */
export function createCookieJar(isSecure: () => boolean): CookieJar {
  const nameOf = (base: string) => (isSecure() ? `__Host-${base}` : base);
  return {
    nameOf,
    parse: (header) => (header === undefined ? {} : fastifyCookie.parse(header)),
    set: (base, value, { maxAgeSeconds }) =>
      fastifyCookie.serialize(nameOf(base), value, {
        path: '/',
        httpOnly: true,
        // Lax, not Strict: the way back from the issuer is a navigation that starts on another site.
        sameSite: 'lax',
        secure: isSecure(),
        maxAge: maxAgeSeconds,
      }),
  };
}
