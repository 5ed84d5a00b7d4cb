/** As much of a browser as signing in needs: cookies by host, and redirects one at a time. */

interface Page {
  url: string;
  status: number;
  headers: Headers;
  body: string;
}

export interface CookieBrowser {
  /** Follows redirects to the end; `until` stops before the request whose URL it names. */
  open(url: string, options?: { form?: Record<string, string>; until?: (url: URL) => boolean }): Promise<Page>;
  /** The `cookie` header that this browser would send to the URL. */
  cookiesFor(url: string): string;
  /** Puts a cookie in, or takes it away with `null`. */
  setCookie(url: string, name: string, value: string | null): void;
}

export function createCookieBrowser(): CookieBrowser {
  /** Cookies know hosts, not ports. By name and path. */
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
          const attribute = (desired: RegExp) => attributes.map((text) => desired.exec(text)?.[1]).find(Boolean);
          const isGone = value === '' || attribute(/^\s*max-age=(0)$/i) !== undefined;
          put(url, { name, value: isGone ? null : value, path: attribute(/^\s*path=(.+)$/i) ?? '/' });
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
      throw new Error(`${start} redirects without end.`);
    },
  };
}
