/** Which web pages may speak to this server: its own alone. */

/**
 * The sentence that refuses a request from another site's page, or `null` when it may pass. Programs that are not
 * browsers send no Origin; they carry no cookies either, unless somebody gave them.
 */
export function originRefusal(origin: string | undefined, publicOrigin: string): string | null {
  if (origin === undefined || origin === publicOrigin) return null;
  return `Requests from other sites are refused. Open the application at ${publicOrigin} instead.`;
}
