/**
 * Verifies the issuer's access tokens, which scripts send as bearer tokens: JWTs for this application's audience. A refusal
 * says what is wrong with the token, and never repeats the token.
 */

import { decodeJwt, errors, jwtVerify, type JWTPayload, type JWTHeaderParameters } from 'jose';

import type { Clock } from '../../shared/clock.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { claimsSchema, readClaims, type PersonClaims } from './claims.ts';
import { unavailable } from './issuer-keys.ts';
import type { Issuer } from './issuer.ts';

/** Only asymmetric signatures: the issuer alone has the private key. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
/** The allowed difference between the issuer's clock and ours. */
const toleranceSeconds = 5;

interface IssuerToken {
  person: PersonClaims;
  /** The token's `jti`, or its subject if it has none. */
  id: string;
  /** By the shared clock. */
  expiresAt: Date;
}

export interface IssuerTokens {
  /**
   * The person whom the token names.
   * @throws AppError UNAUTHENTICATED if the token is not accepted; UNAVAILABLE if it cannot be verified, because the issuer
   * does not answer and its keys are unknown
   */
  verify(token: string): Promise<IssuerToken>;
}

/** @param deps.sharedClock the clock by which sessions and sockets end, which may differ from the clock of this machine */
export function createIssuerTokens(deps: {
  issuer: Issuer;
  settings: { issuer: string; audience: string };
  clock: Clock;
  sharedClock: Clock;
}): IssuerTokens {
  const { issuer, settings, clock, sharedClock } = deps;
  const { audience } = settings;

  async function read(token: string): Promise<{ payload: JWTPayload; protectedHeader: JWTHeaderParameters }> {
    // A token that names another issuer must not cause a request to our issuer.
    if (withoutSlash(decodeJwt(token).iss) !== withoutSlash(settings.issuer)) throw refusedFor('iss');
    const { name, keyFor } = await issuer.signer();
    return jwtVerify(token, keyFor, {
      algorithms,
      issuer: name,
      audience,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(clock.now()),
    });
  }

  function refusedFor(claim: string): AppError {
    switch (claim) {
      case 'iss':
        return refused('It was issued by another sign-in service. Get one from ours.');
      case 'aud':
        return refused(`It was issued for another application. Get one for the audience "${audience}".`);
      case 'nbf':
        return refused('It is not valid yet. Compare the clocks, or wait.');
      default:
        return refused(`Its claim "${claim}" is missing or wrong.`);
    }
  }

  function translate(error: unknown): AppError {
    if (error instanceof AppError) return error;
    if (error instanceof errors.JWTExpired) return refused('It has expired. Get a new one from the sign-in service.');
    if (error instanceof errors.JWTClaimValidationFailed) return refusedFor(error.claim);
    if (error instanceof errors.JOSEAlgNotAllowed) {
      return refused(`Its signature algorithm is not accepted. Accepted algorithms: ${algorithms.join(', ')}.`);
    }
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed) {
      return refused('It was not signed by our sign-in service, or was changed afterwards.');
    }
    if (error instanceof errors.JOSEError)
      return refused('It cannot be read. Send the complete token, as it was issued.');
    return unavailable(error); // an unusable key of the issuer says nothing about the token
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
      const leftMs = (payload.exp ?? 0) * 1_000 - clock.now(); // `exp` is required above
      const expiresAt = new Date(sharedClock.now() + leftMs);
      return { person: readClaims(claims.data), id: payload.jti ?? claims.data.sub, expiresAt };
    },
  };
}

/**
 * Why the token is not a plain bearer access token, or `null` if it is one. ID tokens have the same issuer and signature, and
 * may have the same audience. Issuers distinguish them by the header `typ` (RFC 9068), by the claim `typ` (Keycloak), by
 * `token_use` (Cognito), or only by claims that the other kind lacks.
 */
function kindRefusal(payload: JWTPayload, header: JWTHeaderParameters): string | null {
  const notForAccess = 'It is not an access token. Send the access token, not the ID token or the refresh token.';
  if (payload['cnf'] !== undefined) return 'It is bound to a key of its owner, which this API does not support.';

  const type = (header.typ ?? 'JWT').toLowerCase().replace(/^application\//, '');
  if (type !== 'at+jwt' && type !== 'jwt') return notForAccess;
  const use = payload['typ'] ?? payload['token_use'];
  if (use !== undefined && use !== 'Bearer' && use !== 'access') return notForAccess;
  if (type === 'at+jwt' || use !== undefined) return null;

  const hasIdTokenClaims = ['nonce', 'at_hash', 'c_hash', 's_hash'].some((name) => payload[name] !== undefined);
  const hasAccessTokenClaims = ['scope', 'scp', 'client_id', 'cid'].some((name) => payload[name] !== undefined);
  return hasAccessTokenClaims && !hasIdTokenClaims ? null : notForAccess;
}

function refused(reason: string): AppError {
  return new AppError('UNAUTHENTICATED', `The access token is not accepted. ${reason}`);
}

function withoutSlash(url: string | undefined): string | undefined {
  return url?.replace(/\/$/, '');
}
