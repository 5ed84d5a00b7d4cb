import { randomBytes } from 'node:crypto';

import type { JWTPayload } from 'jose';

/** The claims of an access token by RFC 9068. A change to `undefined` removes a claim. */
export function accessTokenClaims(
  { issuer, audience, nowMs }: { issuer: string; audience: string; nowMs: number },
  changes: Record<string, unknown> = {},
): JWTPayload {
  const iat = Math.floor(nowMs / 1_000);
  return {
    iss: issuer,
    aud: audience,
    sub: 'robot',
    client_id: 'some-script',
    iat,
    exp: iat + 300,
    jti: randomBytes(8).toString('hex'),
    ...changes,
  };
}
