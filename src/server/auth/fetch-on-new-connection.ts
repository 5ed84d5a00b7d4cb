import type { CustomFetchOptions } from 'openid-client';

/**
 * `fetch` on a new connection. While the issuer starts or moves, its address may lead to another program. An open connection
 * would stay with that program for as long as requests follow each other.
 */
export function fetchOnNewConnection(url: string, options: Partial<CustomFetchOptions>): Promise<Response> {
  const headers = new Headers(options.headers);
  headers.set('connection', 'close');
  // openid-client gives options of `fetch`. Its own type of them allows `undefined` where that of `fetch` does not.
  return fetch(url, { ...options, headers } as RequestInit);
}
