/**
 * The secret of a project, which every caller of a sidecar has to send: as `Authorization: Bearer <secret>`, or from a browser
 * as the password of Basic authentication. Kubernetes mounts it as a file.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

const folder = '/var/run/opencode-access';

export type IsAllowed = (request: IncomingMessage) => boolean;
export type HoldsSecret = (text: string) => boolean;

/** @throws Error that says what to do, when there is no secret, because a sidecar must not start without one */
export function readAccessToken(env: Record<string, string | undefined>): string {
  return readSecret(env, { variable: 'ACCESS_TOKEN_FILE', defaultPath: `${folder}/sidecar` });
}

/** The password of OpenCode, which only the session proxy has. @throws as {@link readAccessToken} */
export function readOpenCodePassword(env: Record<string, string | undefined>): string {
  return readSecret(env, { variable: 'OPENCODE_PASSWORD_FILE', defaultPath: `${folder}/opencode` });
}

/** What the model broker expects, which only the session proxy has. @throws as {@link readAccessToken} */
export function readModelCredential(env: Record<string, string | undefined>): string {
  return readSecret(env, { variable: 'MODEL_CREDENTIAL_FILE', defaultPath: `${folder}/models` });
}

function readSecret(
  env: Record<string, string | undefined>,
  { variable, defaultPath }: { variable: string; defaultPath: string },
): string {
  const path = env[variable] ?? defaultPath;
  let token = '';
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch {
    // Reported below, like a file that is too short.
  }
  if (token.length < 16) {
    throw new Error(
      `There is no secret of at least 16 characters in ${path}. Mount it, or set ${variable} to its path.`,
    );
  }
  return token;
}

/** Checks the secret of a request in constant time. */
export function createGate(token: string): IsAllowed {
  const expected = digest(token);
  return ({ headers: { authorization = '' } }) => {
    const [scheme = '', value = ''] = authorization.split(' ', 2);
    const secret =
      scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString().split(':').slice(1).join(':') : value;
    const isKnownScheme = /^(?:basic|bearer)$/i.test(scheme);
    return timingSafeEqual(digest(secret), expected) && isKnownScheme;
  };
}

/** Compares a text with a secret in constant time. */
export function createSecretCheck(secret: string): HoldsSecret {
  const expected = digest(secret);
  return (text) => timingSafeEqual(digest(text), expected);
}

export function refuse(response: ServerResponse): void {
  sendJson(
    response,
    401,
    { error: 'Send the secret of this project as a bearer token.' },
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
