/**
 * The per-project secret that whoever calls a sidecar must show, as `Authorization: Bearer <secret>`, or as the password of
 * Basic for a browser. It lies in a file that Kubernetes mounts.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

const defaultFile = '/var/run/opencode-access/token';

export type IsAllowed = (request: IncomingMessage) => boolean;

/** @throws Error that says what to do, when there is no secret: a sidecar without one must not start */
export function readAccessToken(env: Record<string, string | undefined>): string {
  const path = env['ACCESS_TOKEN_FILE'] ?? defaultFile;
  let token = '';
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch {
    // Said below in the same words as for an empty one.
  }
  if (token.length < 16) {
    throw new Error(
      `There is no secret of at least 16 characters in ${path}. Mount it, or name its file by ACCESS_TOKEN_FILE.`,
    );
  }
  return token;
}

/** Compares in constant time, whatever was sent. */
export function createGate(token: string): IsAllowed {
  const desired = digest(token);
  return ({ headers: { authorization = '' } }) => {
    const [scheme = '', value = ''] = authorization.split(' ', 2);
    const shown =
      scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString().split(':').slice(1).join(':') : value;
    const isKnownScheme = /^(?:basic|bearer)$/i.test(scheme);
    return timingSafeEqual(digest(shown), desired) && isKnownScheme;
  };
}

export function refuse(response: ServerResponse): void {
  sendJson(
    response,
    401,
    { error: 'Show the secret of this project as a bearer token.' },
    { 'www-authenticate': 'Bearer' },
  );
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(JSON.stringify(body));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
