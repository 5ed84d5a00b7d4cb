/** The part of a browser that a sign-in needs, without rendering: it keeps cookies by host and follows redirects. */

interface Page {
  url: string;
  status: number;
  headers: Headers;
  body: string;
}

export interface CookieBrowser {
  /** Opens a URL and follows all redirects. It stops before a redirect to a URL for which `until` returns true. */
  open(url: string, options?: { form?: Record<string, string>; until?: (url: URL) => boolean }): Promise<Page>;
  /** Returns the `cookie` header for requests to the URL. */
  cookiesFor(url: string): string;
  /** Sets a cookie; `null` deletes it. */
  setCookie(url: string, name: string, value: string | null): void;
}

export function createCookieBrowser(): CookieBrowser {
  /** By host name, because cookies ignore the port; then by name and path. */
  const jars = new Map<string, Map<string, { name: string; value: string; path: string }>>();
  const jarOf = (url: string) => {
    const { hostname } = new URL(url);
    const jar = jars.get(hostname) ?? new Map<string, { name: string; value: string; path: string }>();
    jars.set(hostname, jar);
    return jar;
  };
  function put(url: string, { name, value, path }: { name: string; value: string | null; path: string }): void {
    if (value === null) jarOf(url).delete(`${name} ${path}`);
    else jarOf(url).set(`${name} ${path}`, { name, value, path });
  }
  const cookiesFor = (url: string) =>
    [...jarOf(url).values()]
      .filter(({ path }) => new URL(url).pathname.startsWith(path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');

  return {
    cookiesFor,
    setCookie: (url, name, value) => put(url, { name, value, path: '/' }),
    async open(start, { form, until } = {}) {
      let url = start;
      let body = form ? new URLSearchParams(form) : undefined;
      for (let hop = 0; hop < 15; hop += 1) {
        const response = await fetch(url, {
          method: body ? 'POST' : 'GET',
          redirect: 'manual',
          headers: { cookie: cookiesFor(url), accept: 'text/html', ...(body ? { origin: new URL(url).origin } : {}) },
          ...(body ? { body } : {}),
        });
        for (const header of response.headers.getSetCookie()) {
          const [pair = '', ...attributes] = header.split(';');
          const [name = '', value = ''] = pair.split(/=(.*)/s);
          const attribute = (pattern: RegExp) => attributes.map((text) => pattern.exec(text)?.[1]).find(Boolean);
          const isDeleted = value === '' || attribute(/^\s*max-age=(0)$/i) !== undefined;
          put(url, { name, value: isDeleted ? null : value, path: attribute(/^\s*path=(.+)$/i) ?? '/' });
        }
        const location = response.headers.get('location');
        const text = await response.text();
        if (location === null || response.status < 300 || response.status >= 400) {
          return { url, status: response.status, headers: response.headers, body: text };
        }
        url = new URL(location, url).href;
        body = undefined;
        if (until?.(new URL(url))) return { url, status: response.status, headers: response.headers, body: text };
      }
      throw new Error(`${start} redirects more than 15 times.`);
    },
  };
}
