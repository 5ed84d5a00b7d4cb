/** Sign-in at the issuer: begin it (where to send the person) and finish it (who has returned). */

import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type Configuration,
} from 'openid-client';
import { z } from 'zod';

import type { Identity } from '../../shared/node/db/users-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { claimsSchema, readClaims, withMissingClaims, type Claims } from './claims.ts';
import { unavailable } from './issuer-keys.ts';
import type { Issuer } from './issuer.ts';
import type { PendingLogin } from './login-cookie.ts';

const scope = 'openid profile email';

/** A sign-in that failed. Its message is for people. Nothing was changed. */
export class SignInRefused extends Error {
  override readonly name = 'SignInRefused';
}

export interface SignIn {
  /**
   * Where to send the person, and what to store until they return.
   * @param options.forceLogin makes the issuer authenticate the person again, even if its own session is still valid
   * @throws AppError UNAVAILABLE while the issuer does not answer
   */
  begin(options: {
    redirectUri: string;
    returnTo: string;
    forceLogin: boolean;
  }): Promise<{ url: URL; login: PendingLogin }>;
  /**
   * The person who has returned.
   * @throws SignInRefused if the response does not belong to this sign-in or is not valid
   * @throws AppError UNAVAILABLE while the issuer does not answer
   */
  finish(callbackUrl: URL, login: PendingLogin): Promise<Identity>;
}

export function createSignIn({
  issuer,
  identityIssuer,
  adminGroup,
  log,
}: {
  issuer: Issuer;
  identityIssuer: string;
  /** The group of the administrators. */
  adminGroup: string | null;
  log: Log;
}): SignIn {
  return {
    async begin({ redirectUri, returnTo, forceLogin }) {
      const configuration = await issuer.answering(); // otherwise the person would be sent to a server that does not answer
      const login = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier(), returnTo };
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope,
        state: login.state,
        nonce: login.nonce,
        code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
        code_challenge_method: 'S256',
        ...(forceLogin ? { prompt: 'login' } : {}),
      });
      return { url, login };
    },

    async finish(callbackUrl, login) {
      const configuration = await issuer.configuration();
      try {
        const tokens = await authorizationCodeGrant(configuration, callbackUrl, {
          expectedState: login.state,
          expectedNonce: login.nonce,
          pkceCodeVerifier: login.codeVerifier,
          idTokenExpected: true,
        });
        const claims = claimsSchema.parse(tokens.claims());
        const { fallbackName, emailVerified, groups, ...person } = readClaims(
          await complete(configuration, claims, tokens.access_token),
        );
        const isInGroup = adminGroup !== null && groups.includes(adminGroup);
        return {
          ...person,
          issuer: identityIssuer,
          name: fallbackName,
          emailVerified: emailVerified ?? false,
          adminGroup: isInGroup ? adminGroup : null,
        };
      } catch (error) {
        throw translate(error);
      }
    },
  };

  /** Reads missing claims from the userinfo endpoint. If that fails, the claims of the ID token are enough. */
  async function complete(configuration: Configuration, claims: Claims, accessToken: string): Promise<Claims> {
    const { email, name, email_verified: emailVerified } = claims;
    const isComplete = [email, name, emailVerified].every((claim) => claim !== undefined);
    if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    try {
      const more = claimsSchema.parse(await fetchUserInfo(configuration, accessToken, claims.sub));
      return withMissingClaims(claims, more);
    } catch (error) {
      log.debug({ error: String(error) }, 'the issuer returned no userinfo; only the ID token is used');
      return claims;
    }
  }
}

function translate(error: unknown): Error {
  const reason = error instanceof AuthorizationResponseError ? error.error : null;
  if (reason === 'access_denied') return new SignInRefused('The sign-in was cancelled.', { cause: error });
  if (reason === 'temporarily_unavailable' || reason === 'server_error') return unavailable(error);
  if (error instanceof AuthorizationResponseError) {
    return new SignInRefused('The sign-in service refused the request.', { cause: error });
  }
  if (isIssuerOutage(error)) return unavailable(error);
  if (error instanceof ResponseBodyError && error.error === 'invalid_grant') {
    return new SignInRefused('This sign-in was used already, or took too long.', { cause: error });
  }
  if (error instanceof ResponseBodyError || error instanceof WWWAuthenticateChallengeError) {
    const message =
      'The sign-in service does not accept this application. An administrator must check its client id and secret.';
    return new SignInRefused(message, { cause: error });
  }
  if (error instanceof ClientError && error.code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
    const message = 'The clock of the sign-in service and the clock of this server are too far apart.';
    return new SignInRefused(message, { cause: error });
  }
  if (error instanceof ClientError) {
    return new SignInRefused('The response of the sign-in service does not belong to this sign-in.', { cause: error });
  }
  if (error instanceof z.ZodError) {
    return new SignInRefused('The sign-in service did not say who you are.', { cause: error });
  }
  return unavailable(error);
}

/** No answer (`fetch` throws a TypeError "fetch failed"), no answer in time, or a status that asks to try later. */
function isIssuerOutage(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return isTemporaryStatus(error.status);
  if (!(error instanceof ClientError)) return false;
  const { cause } = error;
  if (cause instanceof Response) return isTemporaryStatus(cause.status);
  return error.code === 'OAUTH_TIMEOUT' || (cause instanceof TypeError && cause.message === 'fetch failed');
}

function isTemporaryStatus(status: number): boolean {
  return status >= 500 || status === 429;
}
