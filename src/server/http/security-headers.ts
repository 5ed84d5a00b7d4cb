/** The headers that every answer bears, whatever made it: what a browser may do with it, and that nobody keeps it. */

import fastifyHelmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** What the pages have no use for, and a script that got in would have. */
const deniedFeatures = ['camera', 'display-capture', 'geolocation', 'microphone', 'midi', 'payment', 'serial', 'usb'];
const permissionsPolicy = deniedFeatures.map((feature) => `${feature}=()`).join(', ');

/** For the answers that Fastify makes before any hook runs: JSON about a path that could not be read, never a page. */
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
    // Whatever may be kept says so itself: the files of the interface do.
    reply.header('cache-control', 'no-store');
  });
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy(issuerOrigin) },
    // Of this host alone: what else lies under its name is not ours to decide.
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
    'img-src': ["'self'", 'data:', 'https:'],
    'connect-src': ["'self'"], // the WebSocket of this host included
    'object-src': ["'none'"],
    'frame-ancestors': ["'none'"],
    'base-uri': ["'none'"],
    // Signing out is a form that redirects to the issuer, and redirects count.
    'form-action': ["'self'", issuerOrigin],
  };
}
