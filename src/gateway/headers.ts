/**
 * What passes between browser and pod. A pod runs code that a person or an agent wrote, so its answers are not trusted, and
 * nothing that identifies the person to the product reaches it.
 */

import type { IncomingHttpHeaders } from 'node:http';

/** Every cookie of the product begins so, with or without the `__Host-` prefix. */
const productCookie = /^(?:__Host-)?opencode-(?!locale)/;

/** Removed from requests: they carry credentials of the product, or claim something that only the gateway knows. */
const hiddenFromPod = [
  'authorization',
  'proxy-authorization',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

/**
 * Removed from answers. Cross-origin permissions would let other pages read the project, `www-authenticate` would make the browser ask
 * for a password, and the others change how the browser treats the host beyond this answer.
 */
const hiddenFromBrowser = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-expose-headers',
  'access-control-max-age',
  'access-control-allow-private-network',
  'www-authenticate',
  'proxy-authenticate',
  'strict-transport-security',
  'alt-svc',
  'report-to',
  'nel',
];

/**
 * The headers of a request as the pod receives them. The `Host` header stays, because OpenCode compares it with `Origin`.
 * @param credential the sidecar credential of the project
 */
export function requestHeadersFor(headers: IncomingHttpHeaders, credential: string): IncomingHttpHeaders {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !hiddenFromPod.includes(name)));
  const cookie = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !productCookie.test(pair))
    .join('; ');
  delete kept['cookie'];
  return { ...kept, ...(cookie === '' ? {} : { cookie }), authorization: `Bearer ${credential}` };
}

/** The headers of an answer as the browser receives them. */
export function responseHeadersFor(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !hiddenFromBrowser.includes(name)));
  const cookies = (headers['set-cookie'] ?? [])
    .filter((cookie) => !productCookie.test(cookie.trim()))
    .map(withoutDomain);
  delete kept['set-cookie'];
  const policies = [headers['content-security-policy'], "frame-ancestors 'self'"]
    .flat()
    .filter((policy) => policy !== undefined);
  return {
    ...kept,
    ...(cookies.length === 0 ? {} : { 'set-cookie': cookies }),
    'content-security-policy': policies.join(', '),
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  };
}

/** Without the attribute that would send the cookie to other hosts. */
function withoutDomain(cookie: string): string {
  return cookie
    .split(';')
    .filter((part) => !/^\s*domain\s*(?:=|$)/i.test(part))
    .join(';');
}

/**
 * Whether the request was made by a page of the project's own origin, by the address bar, or by a program.
 * Projects under one domain are the same site, so `SameSite` cookies alone do not keep them apart.
 * @param origin the origin of the project
 */
export function isSameOrigin(
  request: { method: string | undefined; headers: IncomingHttpHeaders; isUpgrade: boolean },
  origin: string,
): boolean {
  const { method = 'GET', headers, isUpgrade } = request;
  if (headers.origin !== undefined) return headers.origin === origin;
  // A browser sends Origin with every WebSocket handshake and with every request that is not GET or HEAD.
  if (isUpgrade || !['GET', 'HEAD'].includes(method)) return false;
  const [site, mode, destination] = [headers['sec-fetch-site'], headers['sec-fetch-mode'], headers['sec-fetch-dest']];
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return mode === 'navigate' && destination === 'document';
}
