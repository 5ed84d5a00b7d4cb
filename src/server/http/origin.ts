/** Only this server's own pages may send requests to it: the checks of origin that enforce this. */

interface OriginHeaders {
  origin?: string | undefined;
  cookie?: string | undefined;
  'sec-fetch-site'?: string | undefined;
}

/**
 * The message that refuses a request from a page of another site, or `null` if the request is allowed. Programs that are not
 * browsers send neither an origin nor, normally, cookies.
 */
export function originRefusal(origin: string | undefined, publicOrigin: string): string | null {
  if (origin === undefined || origin === publicOrigin) return null;
  return `Requests from other sites are refused. Open the application at ${publicOrigin} instead.`;
}

/**
 * As {@link originRefusal}, for a request that changes something. Browsers name the origin of these requests. A request with
 * a cookie and without an origin may come from any site, so it is refused.
 */
export function changeRefusal(headers: OriginHeaders, publicOrigin: string): string | null {
  const isUnknown = headers.origin === undefined && headers.cookie !== undefined;
  if (isUnknown && headers['sec-fetch-site'] !== 'same-origin') {
    return `A request with a cookie must name its origin: send the header "Origin: ${publicOrigin}".`;
  }
  return originRefusal(headers.origin, publicOrigin);
}
