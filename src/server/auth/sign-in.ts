/** The two halves of signing in: where to send the person, and what their return means. */

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
import { claimsSchema, readClaims, type Claims } from './claims.ts';
import { unavailable } from './issuer-keys.ts';
import type { Issuer } from './issuer.ts';
import type { PendingLogin } from './login-cookie.ts';

const scope = 'openid profile email';

/** A sign-in that did not work, in words. It has changed nothing. */
export class SignInRefused extends Error {
  override readonly name = 'SignInRefused';
}

export interface SignIn {
  /**
   * Where to send the person, and what to remember until they return.
   * @param options.askAgain makes the issuer ask who they are, even if it knows them still
   * @throws AppError UNAVAILABLE while the issuer does not answer
   */
  begin(options: {
    redirectUri: string;
    returnTo: string;
    askAgain: boolean;
  }): Promise<{ url: URL; login: PendingLogin }>;
  /**
   * Who has returned.
   * @throws SignInRefused when the answer does not belong to this sign-in or is not valid
   * @throws AppError UNAVAILABLE while the issuer does not answer
   */
  finish(callbackUrl: URL, login: PendingLogin): Promise<Identity>;
}

export function createSignIn({ issuer, log }: { issuer: Issuer; log: Log }): SignIn {
  return {
    async begin({ redirectUri, returnTo, askAgain }) {
      const configuration = await issuer.answering(); // else the person would end at an address where nobody is
      const login = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier(), returnTo };
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope,
        state: login.state,
        nonce: login.nonce,
        code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
        code_challenge_method: 'S256',
        ...(askAgain ? { prompt: 'login' } : {}),
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
        return toIdentity(await complete(configuration, claims, tokens.access_token));
      } catch (error) {
        throw translate(error);
      }
    },
  };

  /** Asks the userinfo endpoint for what the ID token does not say; it is a help, not a condition. */
  async function complete(configuration: Configuration, claims: Claims, accessToken: string): Promise<Claims> {
    const isComplete = claims.email !== undefined && claims.name !== undefined;
    if (isComplete || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    try {
      const more = claimsSchema.parse(await fetchUserInfo(configuration, accessToken, claims.sub));
      const said = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
      return { ...more, ...said, sub: claims.sub };
    } catch (error) {
      log.debug({ error: String(error) }, 'the issuer gave no userinfo; the ID token has to do');
      return claims;
    }
  }
}

function toIdentity(claims: Claims): Identity {
  const { nameAtFirst, ...said } = readClaims(claims);
  return { ...said, name: nameAtFirst };
}

function translate(error: unknown): Error {
  const reason = error instanceof AuthorizationResponseError ? error.error : null;
  if (reason === 'access_denied') return new SignInRefused('The sign-in was cancelled.', { cause: error });
  if (reason === 'temporarily_unavailable' || reason === 'server_error') return unavailable(error);
  if (error instanceof AuthorizationResponseError) {
    return new SignInRefused('The sign-in service refused the request.', { cause: error });
  }
  if (isTheirFailure(error)) return unavailable(error);
  if (error instanceof ResponseBodyError && error.error === 'invalid_grant') {
    return new SignInRefused('This sign-in was used already, or took too long.', { cause: error });
  }
  if (error instanceof ResponseBodyError || error instanceof WWWAuthenticateChallengeError) {
    const message =
      'The sign-in service does not accept this application. An administrator has to compare its client id and secret.';
    return new SignInRefused(message, { cause: error });
  }
  if (error instanceof ClientError && error.code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
    const message = 'The clock of the sign-in service and the clock of this server are too far apart.';
    return new SignInRefused(message, { cause: error });
  }
  if (error instanceof ClientError) {
    return new SignInRefused('The answer of the sign-in service did not fit this sign-in.', { cause: error });
  }
  if (error instanceof z.ZodError) {
    return new SignInRefused('The sign-in service did not say who you are.', { cause: error });
  }
  return unavailable(error);
}

/** No answer (`fetch` fails with a plain TypeError, "fetch failed"), none in time, or one that says: not now. */
function isTheirFailure(error: unknown): boolean {
  if (error instanceof ResponseBodyError) return isNotNow(error.status);
  if (!(error instanceof ClientError)) return false;
  const { cause } = error;
  if (cause instanceof Response) return isNotNow(cause.status);
  return error.code === 'OAUTH_TIMEOUT' || (cause instanceof TypeError && cause.message === 'fetch failed');
}

function isNotNow(status: number): boolean {
  return status >= 500 || status === 429;
}
