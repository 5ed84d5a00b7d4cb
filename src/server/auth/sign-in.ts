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
  type Configuration,
} from 'openid-client';
import { z } from 'zod';

import type { Identity } from '../../shared/node/db/users-repository.ts';
import type { Log } from '../../shared/node/log.ts';
import { unavailable, type Issuer } from './issuer.ts';
import type { PendingLogin } from './login-cookie.ts';

const scope = 'openid profile email';

/** Claims as issuers send them: what is missing or of a wrong type counts as not said. */
const claimsSchema = z.object({
  sub: z.string().min(1).max(255),
  email: z.string().max(320).optional().catch(undefined),
  name: z.string().max(200).optional().catch(undefined),
  preferred_username: z.string().max(200).optional().catch(undefined),
  picture: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .optional()
    .catch(undefined),
});
type Claims = z.infer<typeof claimsSchema>;

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

function clean(text: string | undefined): string | undefined {
  return text?.replace(/\p{Cc}/gu, '').trim() || undefined;
}

function toIdentity(claims: Claims): Identity {
  return {
    subject: claims.sub.replaceAll('\u0000', ''),
    email: clean(claims.email) ?? null,
    name: clean(claims.name) ?? clean(claims.preferred_username) ?? clean(claims.email) ?? claims.sub,
    picture: claims.picture ?? null,
  };
}

function translate(error: unknown): Error {
  const reason = error instanceof AuthorizationResponseError ? error.error : null;
  if (reason === 'access_denied') return new SignInRefused('The sign-in was cancelled.', { cause: error });
  if (reason === 'temporarily_unavailable' || reason === 'server_error') return unavailable(error);
  if (error instanceof AuthorizationResponseError) {
    return new SignInRefused('The sign-in service refused the request.', { cause: error });
  }
  if (error instanceof ResponseBodyError && error.status < 500) {
    return new SignInRefused('This sign-in was used already, or took too long.', { cause: error });
  }
  if (error instanceof ClientError && error.code !== 'OAUTH_TIMEOUT' && !isNetworkFailure(error)) {
    return new SignInRefused('The answer of the sign-in service did not fit this sign-in.', { cause: error });
  }
  if (error instanceof z.ZodError) {
    return new SignInRefused('The sign-in service did not say who you are.', { cause: error });
  }
  return unavailable(error);
}

/** `fetch` fails with a plain TypeError ("fetch failed") when there is no answer at all. */
function isNetworkFailure(error: Error): boolean {
  return error.cause instanceof TypeError && error.cause.message === 'fetch failed';
}
