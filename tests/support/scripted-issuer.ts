/**
 * An OpenID Connect issuer whose faults a test controls: it stops and starts, changes its key, fails at one endpoint, or sends
 * wrong answers. It has no sign-in page: every person is sent back at once as `subject`.
 */

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose';

import { findKeptPort } from './kept-port.ts';

type Endpoint = 'metadata' | 'keys' | 'authorize' | 'token';

/** Changes to its usual answers, until `repair`. */
interface IssuerScript {
  /** How far its clock is ahead. */
  clockAheadMs: number;
  metadata: Record<string, unknown>;
  /** Parameters for the callback URL; `null` removes one. */
  callback: Record<string, string | null>;
  /** Further or changed claims of the ID token; `undefined` removes one. */
  idClaims: Record<string, unknown>;
  /** Further keys in its key set. */
  moreKeys: JWK[];
  /** The error of its token endpoint. */
  tokenRefusal: { status: number; body: string; headers?: Record<string, string> } | null;
}

export interface ScriptedIssuer {
  url: string;
  script(changes: Partial<IssuerScript>): void;
  /** Signs these claims with its current key. Claims that are `undefined` are left out. */
  sign(claims: Record<string, unknown>, options?: { typ?: string }): Promise<string>;
  /** The current public key. */
  publicKey(): JWK;
  /** Publishes a new key instead of the current one, and signs with it unless the options say otherwise. */
  rotateKey(options?: { showOnly: boolean }): Promise<void>;
  /** Stops listening and resets open connections. */
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** Makes this endpoint answer with 503, or not at all. */
  break(endpoint: Endpoint, how: 'error' | 'silence'): void;
  repair(): void;
  /** The number of requests to this endpoint. */
  count(endpoint: Endpoint): number;
}

const usual: IssuerScript = {
  clockAheadMs: 0,
  metadata: {},
  callback: {},
  idClaims: {},
  moreKeys: [],
  tokenRefusal: null,
};

const endpoints: Record<string, Endpoint> = {
  '/.well-known/openid-configuration': 'metadata',
  '/realm/.well-known/openid-configuration': 'metadata',
  '/keys': 'keys',
  '/authorize': 'authorize',
  '/token': 'token',
};

export async function startScriptedIssuer({
  clientId = 'test-client',
  subject = 'anna',
} = {}): Promise<ScriptedIssuer> {
  const port = await findKeptPort();
  const url = `http://127.0.0.1:${port}`;
  const broken = new Map<Endpoint, 'error' | 'silence'>();
  const counts = new Map<Endpoint, number>();
  const nonces = new Map<string, string>();
  let key = await newKey();
  let script = usual;
  const seconds = () => Math.floor((Date.now() + script.clockAheadMs) / 1_000);
  const sign = (claims: Record<string, unknown>, { typ = 'JWT' } = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ, kid: key.id }).sign(key.secret);

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const endpoint = endpoints[pathname];
    if (endpoint === undefined) return void response.writeHead(404).end();
    counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
    const fault = broken.get(endpoint);
    if (fault === 'silence') return;
    if (fault === 'error') return void response.writeHead(503).end();
    switch (endpoint) {
      case 'metadata':
        return json(response, {
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/keys`,
          end_session_endpoint: `${url}/end`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256'],
          code_challenge_methods_supported: ['S256'],
          ...script.metadata,
        });
      case 'keys':
        return json(response, { keys: [key.shown, ...script.moreKeys] });
      case 'authorize': {
        const code = randomBytes(8).toString('hex');
        nonces.set(code, searchParams.get('nonce') ?? '');
        const back = new URL(searchParams.get('redirect_uri') ?? '');
        back.searchParams.set('code', code);
        back.searchParams.set('state', searchParams.get('state') ?? '');
        for (const [name, value] of Object.entries(script.callback)) {
          if (value === null) back.searchParams.delete(name);
          else back.searchParams.set(name, value);
        }
        return void response.writeHead(303, { location: back.href }).end();
      }
      case 'token': {
        const { tokenRefusal } = script;
        if (tokenRefusal) {
          const headers = { 'content-type': 'application/json', ...tokenRefusal.headers };
          return void response.writeHead(tokenRefusal.status, headers).end(tokenRefusal.body);
        }
        const code = new URLSearchParams(await bodyOf(request)).get('code') ?? '';
        const idToken = await sign({
          iss: url,
          aud: clientId,
          sub: subject,
          iat: seconds(),
          exp: seconds() + 300,
          name: subject,
          email: `${subject}@example.test`,
          nonce: nonces.get(code) ?? '',
          ...script.idClaims,
        });
        return json(response, { access_token: 'of no use', token_type: 'Bearer', id_token: idToken });
      }
    }
  }

  const comeBack = () =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => resolve());
    });
  await comeBack();
  return {
    url,
    script: (changes) => void (script = { ...script, ...changes }),
    sign,
    publicKey: () => key.shown,
    async rotateKey({ showOnly } = { showOnly: false }) {
      const next = await newKey();
      key = showOnly ? { ...key, shown: next.shown } : next;
    },
    goAway: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    comeBack,
    break: (endpoint, how) => void broken.set(endpoint, how),
    repair() {
      broken.clear();
      script = usual;
    },
    count: (endpoint) => counts.get(endpoint) ?? 0,
  };
}

async function newKey(): Promise<{ id: string; secret: CryptoKey; shown: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const id = randomBytes(8).toString('hex');
  return { id, secret: privateKey, shown: { ...(await exportJWK(publicKey)), kid: id, use: 'sig', alg: 'RS256' } };
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
