/** The security headers of every response: what a browser may do with it, and that it is not cached. */

import fastifyHelmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Browser features that the pages do not need, and that an injected script could misuse. */
const deniedFeatures = ['camera', 'display-capture', 'geolocation', 'microphone', 'midi', 'payment', 'serial', 'usb'];
const permissionsPolicy = deniedFeatures.map((feature) => `${feature}=()`).join(', ');

/** For the responses that Fastify writes before any hook runs: JSON about an unreadable path, never a page. */
export const headersOfUnreadable = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': permissionsPolicy,
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export async function registerSecurityHeaders(
  app: FastifyInstance,
  { issuerOrigin, isHttps }: { issuerOrigin: string; isHttps: boolean },
): Promise<void> {
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('permissions-policy', permissionsPolicy);
    // Responses that may be cached override this: the files of the user interface do.
    reply.header('cache-control', 'no-store');
  });
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy(issuerOrigin) },
    // Only for this host: its subdomains may belong to somebody else.
    strictTransportSecurity: isHttps ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
}

function contentSecurityPolicy(issuerOrigin: string) {
  return {
    'default-src': ["'self'"],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:', 'blob:', 'https:'], // images of projects are shown from memory
    'connect-src': ["'self'"], // includes the WebSocket of this host
    'object-src': ["'none'"],
    'frame-ancestors': ["'none'"],
    'base-uri': ["'none'"],
    // The sign-out form redirects to the issuer, and this rule also applies to redirects.
    'form-action': ["'self'", issuerOrigin],
  };
}
