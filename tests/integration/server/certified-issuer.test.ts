import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  randomPKCECodeVerifier,
} from 'openid-client';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { silentLog } from '../../../src/embedded/embedded-log.ts';
import { createEmbeddedIssuer, type EmbeddedIssuer } from '../../../src/embedded/issuer/issuer.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const redirectUri = 'http://127.0.0.1:9/back'; // a script reads this address and never listens there
let database: TestDatabase;
let issuer: EmbeddedIssuer;
let server: TestServer;
let dataDir: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'opencode-certified-'));
  issuer = await createEmbeddedIssuer({
    dataDir,
    clients: [{ clientId: 'app', clientSecret: 'secret', redirectUris: [redirectUri], postLogoutRedirectUris: [] }],
    audience: 'app', // the default without OIDC_AUDIENCE; the ID token then has the same audience
    log: silentLog,
  });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: 'app', OIDC_CLIENT_SECRET: 'secret' },
  });
});
afterAll(async () => {
  await server.stop();
  await issuer.stop();
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

it('an access token of oidc-provider is accepted, and its ID token is refused', async () => {
  const client = await discovery(new URL(issuer.url), 'app', 'secret', undefined, { execute: [allowInsecureRequests] });
  const pkceCodeVerifier = randomPKCECodeVerifier();
  const url = buildAuthorizationUrl(client, {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  const browser = createCookieBrowser();
  const question = await browser.open(url.href);
  const back = await browser.open(question.url, { form: { as: 'user-b' }, until: ({ port }) => port === '9' });
  const tokens = await authorizationCodeGrant(client, new URL(back.url), { pkceCodeVerifier });

  const me = (token: string | undefined) => createApiCall(server.url, bearer(token ?? ''))('auth.me');
  expect((await me(tokens.access_token)).data).toMatchObject({ name: 'User B', email: 'user-b@example.test' });
  const refused = await me(tokens.id_token);
  expect([refused.status, refused.error?.message]).toEqual([401, expect.stringContaining('is not an access token')]);
});
