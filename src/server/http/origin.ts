/** Which web pages may speak to this server: its own alone. */

export interface OriginHeaders {
  origin?: string | undefined;
  cookie?: string | undefined;
  'sec-fetch-site'?: string | undefined;
}

/**
 * The sentence that refuses a request from another site's page, or `null` when it may pass. Programs that are not
 * browsers send no Origin; they carry no cookies either, unless somebody gave them.
 */
export function originRefusal(origin: string | undefined, publicOrigin: string): string | null {
  if (origin === undefined || origin === publicOrigin) return null;
  return `Requests from other sites are refused. Open the application at ${publicOrigin} instead.`;
}

/**
 * As {@link originRefusal}, for a request that changes something. A browser says where such a request comes from; one
 * that has a cookie and says nothing may come from anywhere.
 */
export function changeRefusal(headers: OriginHeaders, publicOrigin: string): string | null {
  const isUnknown = headers.origin === undefined && headers.cookie !== undefined;
  if (isUnknown && headers['sec-fetch-site'] !== 'same-origin') {
    return `A request with a cookie must say where it comes from: send the header "Origin: ${publicOrigin}".`;
  }
  return originRefusal(headers.origin, publicOrigin);
}
