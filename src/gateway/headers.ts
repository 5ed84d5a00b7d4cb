/**
 * What passes between browser and pod. A pod runs code that a person or an agent wrote, so its answers are not trusted, and
 * nothing that identifies the person to the product reaches it.
 */

import type { IncomingHttpHeaders } from 'node:http';

/** Every cookie of the product begins so, with or without a prefix. Browsers compare prefixes in any case. */
const productCookie = /^(?:__[a-z-]+-)?opencode-/i;

/** They belong to one connection (RFC 9110, section 7.6.1). */
const connectionHeaders = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Removed from requests: they carry credentials of the product, or claim something that only the gateway knows. */
const hiddenFromPod = [
  'authorization',
  'proxy-authorization',
  'forwarded',
  'x-real-ip',
  'via',
  'expect',
  'http2-settings',
];

/**
 * Removed from answers. Cross-origin permissions would let other pages read the project, `www-authenticate` would make the browser ask
 * for a password, and the others change how the browser treats the host beyond this answer, or lead it elsewhere.
 */
const hiddenFromBrowser = [
  'accept-ch',
  'alt-svc',
  'clear-site-data',
  'content-security-policy-report-only',
  'critical-ch',
  'nel',
  'proxy-authenticate',
  'public-key-pins',
  'refresh',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie2',
  'strict-transport-security',
  'timing-allow-origin',
  'www-authenticate',
];

const isForwardedClaim = (name: string) => name.startsWith('x-forwarded-');
const isCrossOriginPermission = (name: string) => name.startsWith('access-control-');

/**
 * The headers of a request as the pod receives them. The `Host` header stays, because OpenCode compares it with `Origin`.
 * @param credential the sidecar credential of the project
 */
export function requestHeadersFor(headers: IncomingHttpHeaders, credential: string): IncomingHttpHeaders {
  const { cookie: _, ...kept } = pick(
    endToEnd(headers),
    (name) => !hiddenFromPod.includes(name) && !isForwardedClaim(name),
  );
  const cookie = (headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !productCookie.test(nameOf(pair)))
    .join('; ');
  return {
    ...kept,
    ...(cookie === '' ? {} : { cookie }),
    // A body of unknown length keeps its frames.
    ...(headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }),
    authorization: `Bearer ${credential}`,
  };
}

/** As {@link requestHeadersFor}, for the handshake of a WebSocket. */
export function handshakeHeadersFor(headers: IncomingHttpHeaders, credential: string): IncomingHttpHeaders {
  return { ...requestHeadersFor(headers, credential), connection: 'Upgrade', upgrade: 'websocket' };
}

/** The headers of an answer as the browser receives them. */
export function responseHeadersFor(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'set-cookie': given = [], ...kept } = pick(
    endToEnd(headers),
    (name) => !hiddenFromBrowser.includes(name) && !isCrossOriginPermission(name),
  );
  const cookies = given.flatMap((cookie) => safeCookie(cookie) ?? []);
  const policies = [headers['content-security-policy'], "frame-ancestors 'self'"]
    .flat()
    .filter((policy) => policy !== undefined);
  return {
    ...kept,
    ...(cookies.length === 0 ? {} : { 'set-cookie': cookies }),
    'content-security-policy': policies.join(', '),
    // A proxy in front, such as nginx, would hold events back until its buffer is full.
    ...(isEventStream(headers) ? { 'x-accel-buffering': 'no' } : {}),
    // A page that opened the project, such as the product, is no longer reachable through window.opener.
    'cross-origin-opener-policy': 'same-origin-allow-popups',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  };
}

const isEventStream = (headers: IncomingHttpHeaders) =>
  headers['content-type']?.toLowerCase().startsWith('text/event-stream') ?? false;

/** Without the headers of the connection, and those that its `Connection` header lists. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const listed = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  // A sender must not list what the next hop needs (RFC 9110, section 7.6.1), so these are kept.
  const needed = [
    'host',
    'origin',
    'cookie',
    'content-length',
    'content-type',
    'set-cookie',
    'content-security-policy',
  ];
  return pick(
    headers,
    (name) => !connectionHeaders.includes(name) && (!listed.includes(name) || needed.includes(name)),
  );
}

function pick(headers: IncomingHttpHeaders, keeps: (name: string) => boolean): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => keeps(name)));
}

const nameOf = (pair: string) => (pair.split('=')[0] ?? '').trim();

const keptAttributes = new Set(['path', 'expires', 'max-age', 'secure', 'httponly', 'samesite', 'partitioned']);

/** The cookie with the attributes that keep it on this host; `null` when it could be taken for a cookie of the product. */
function safeCookie(cookie: string): string | null {
  const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
  const name = nameOf(pair);
  // Browsers send the value of a cookie without a name as if it were the whole pair.
  if (name === '' || !pair.includes('=') || productCookie.test(name)) return null;
  return [pair, ...attributes.filter((attribute) => keptAttributes.has(nameOf(attribute).toLowerCase()))].join('; ');
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
