/**
 * Access tokens of the issuer, as scripts bring them: JWTs that are good for this application alone. What is refused
 * here is refused in words, which never repeat the token.
 */

import { decodeJwt, errors, jwtVerify, type JWTPayload, type JWTHeaderParameters } from 'jose';

import { AppError } from '../../shared/contract/errors.ts';
import { claimsSchema, readClaims, type SaidOfPerson } from './claims.ts';
import { unavailable } from './issuer-keys.ts';
import type { Issuer } from './issuer.ts';

/** Signatures by a private key, which the issuer alone has. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
/** How far the issuer's clock and ours may be apart. */
const toleranceSeconds = 5;

interface IssuerToken {
  person: SaidOfPerson;
  /** What the issuer calls this token, where it calls it anything. */
  id: string;
  expiresAt: Date;
}

export interface IssuerTokens {
  /**
   * Whom the token names.
   * @throws AppError UNAUTHENTICATED saying what is wrong with it; UNAVAILABLE when that cannot be said, for the issuer
   * does not answer and its keys are not known
   */
  verify(token: string): Promise<IssuerToken>;
}

export function createIssuerTokens({
  issuer,
  settings,
  now,
}: {
  issuer: Issuer;
  settings: { issuer: string; audience: string };
  now: () => number;
}): IssuerTokens {
  const { audience } = settings;

  async function read(token: string): Promise<{ payload: JWTPayload; protectedHeader: JWTHeaderParameters }> {
    // Nobody makes us ask our issuer about a token that says itself that it is of another one.
    if (withoutSlash(decodeJwt(token).iss) !== withoutSlash(settings.issuer)) throw refusedFor('iss');
    const { name, keyFor } = await issuer.signer();
    return jwtVerify(token, keyFor, {
      algorithms,
      issuer: name,
      audience,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(now()),
    });
  }

  function refusedFor(claim: string): AppError {
    switch (claim) {
      case 'iss':
        return refused('It is of another sign-in service than ours. Get one there.');
      case 'aud':
        return refused(`It was issued for another application. Get one for the audience "${audience}".`);
      case 'nbf':
        return refused('It is not valid yet. Compare the clocks, or wait.');
      default:
        return refused(`What it says under "${claim}" is missing or wrong.`);
    }
  }

  function translate(error: unknown): AppError {
    if (error instanceof AppError) return error;
    if (error instanceof errors.JWTExpired) return refused('It has expired. Get a new one from the sign-in service.');
    if (error instanceof errors.JWTClaimValidationFailed) return refusedFor(error.claim);
    if (error instanceof errors.JOSEAlgNotAllowed) {
      return refused(`It is signed in a way that is not accepted here. Accepted are ${algorithms.join(', ')}.`);
    }
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed) {
      return refused('It was not signed by our sign-in service, or was changed afterwards.');
    }
    if (error instanceof errors.JOSEError) return refused('It cannot be read. Send it whole, as it was issued.');
    return unavailable(error); // a key of the issuer that cannot be used says nothing about the token
  }

  return {
    async verify(token) {
      const { payload, protectedHeader } = await read(token).catch((error: unknown) => {
        throw translate(error);
      });
      const kind = kindRefusal(payload, protectedHeader);
      if (kind !== null) throw refused(kind);
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) throw refusedFor('sub');
      const expiresAt = new Date((payload.exp ?? 0) * 1_000); // required above
      return { person: readClaims(claims.data), id: payload.jti ?? claims.data.sub, expiresAt };
    },
  };
}

/**
 * Why it is no access token that whoever holds it may use. The ID token of a sign-in has the same signature, and may have
 * the same audience; issuers tell them apart by `typ` of the head (RFC 9068), by a claim `typ` (Keycloak) or
 * `token_use` (Cognito), or merely by what they put into the one and not into the other.
 */
function kindRefusal(payload: JWTPayload, head: JWTHeaderParameters): string | null {
  const notForAccess = 'It is no access token. Send the access token, not the ID token or the refresh token.';
  if (payload['cnf'] !== undefined) return 'It is bound to a key of its owner, which is not asked for here.';

  const type = (head.typ ?? 'JWT').toLowerCase().replace(/^application\//, '');
  if (type !== 'at+jwt' && type !== 'jwt') return notForAccess;
  const use = payload['typ'] ?? payload['token_use'];
  if (use !== undefined && use !== 'Bearer' && use !== 'access') return notForAccess;
  if (type === 'at+jwt' || use !== undefined) return null;

  const isOfSignIn = ['nonce', 'at_hash', 'c_hash', 's_hash'].some((name) => payload[name] !== undefined);
  const isOfAccess = ['scope', 'scp', 'client_id', 'cid'].some((name) => payload[name] !== undefined);
  return isOfAccess && !isOfSignIn ? null : notForAccess;
}

function refused(reason: string): AppError {
  return new AppError('UNAUTHENTICATED', `The access token is not accepted. ${reason}`);
}

function withoutSlash(url: string | undefined): string | undefined {
  return url?.replace(/\/$/, '');
}
