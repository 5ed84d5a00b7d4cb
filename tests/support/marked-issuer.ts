/**
 * An OpenID Connect issuer that records every secret that it has sent or received, so that a test can search for them in logs
 * and answers. It has no sign-in page, and its token endpoint can fail in several ways.
 */

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** The faults of the token endpoint. */
export const tokenFaults = [
  'error with words',
  'no JSON',
  'no token type',
  'wrong nonce',
  'wrong audience',
  'wrong signature',
  'expired',
] as const;
type TokenFault = (typeof tokenFaults)[number];

export interface MarkedIssuer {
  url: string;
  /** Sets the fault; `null` removes it. */
  answerWrongly(how: TokenFault | null): void;
  /** Every secret so far: its kind and its text. */
  secrets(): { what: string; text: string }[];
  /** Issues an access token. */
  mintAccessToken(): Promise<string>;
  stop(): Promise<void>;
}

export async function startMarkedIssuer({ clientId }: { clientId: string }): Promise<MarkedIssuer> {
  const [{ privateKey, publicKey }, other] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const shownKey = { ...(await exportJWK(publicKey)), kid: 'key', use: 'sig', alg: 'RS256' };
  const nonces = new Map<string, string>();
  const secrets: { what: string; text: string }[] = [];
  let fault: TokenFault | null = null;
  let url = '';
  const remember = (what: string, text: string) => {
    secrets.push({ what, text });
    return text;
  };
  const random = (what: string) => remember(what, `${what.replaceAll(' ', '-')}-${randomBytes(12).toString('hex')}`);

  const sign = (what: string, claims: Record<string, unknown>) =>
    new SignJWT({ name: 'Marked', email: 'marked@example.test', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'key' })
      .setIssuer(url)
      .setAudience(fault === 'wrong audience' ? 'somebody-else' : clientId)
      .setSubject('marked')
      .setIssuedAt()
      .setExpirationTime(fault === 'expired' ? '-1h' : '5m')
      .sign(fault === 'wrong signature' ? other.privateKey : privateKey)
      .then((token) => remember(what, token));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return json(response, 200, {
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/keys`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256'],
          code_challenge_methods_supported: ['S256'],
        });
      case '/keys':
        return json(response, 200, { keys: [shownKey] });
      case '/authorize': {
        const code = random('authorization code');
        nonces.set(code, searchParams.get('nonce') ?? '');
        const back = new URL(searchParams.get('redirect_uri') ?? '');
        back.searchParams.set('code', code);
        back.searchParams.set('state', searchParams.get('state') ?? '');
        return void response.writeHead(303, { location: back.href }).end();
      }
      case '/token': {
        const sent = new URLSearchParams(await bodyOf(request));
        const code = sent.get('code') ?? '';
        remember('PKCE verifier', sent.get('code_verifier') ?? '');
        const tokens = {
          access_token: random('access token'),
          refresh_token: random('refresh token'),
          id_token: await sign('ID token', { nonce: fault === 'wrong nonce' ? 'another' : nonces.get(code) }),
        };
        if (fault === 'error with words') {
          return json(response, 400, { error: 'invalid_grant', error_description: `The code ${code} is not good.` });
        }
        if (fault === 'no JSON') return void response.writeHead(200).end(JSON.stringify(tokens).slice(1));
        return json(response, 200, fault === 'no token type' ? tokens : { ...tokens, token_type: 'Bearer' });
      }
      default:
        return void response.writeHead(404).end();
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  return {
    url,
    answerWrongly(how) {
      fault = how;
    },
    secrets: () => secrets.filter(({ text }) => text !== ''),
    mintAccessToken: () => sign('bearer token', { scope: 'openid' }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
