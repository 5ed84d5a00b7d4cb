import { readFileSync } from 'node:fs';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { readServerConfig } from '../../../src/server/config.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { keycloakAccessClaims, keycloakIdClaims } from '../../support/keycloak-claims.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

/** The part of Keycloak's RealmRepresentation that this test reads. */
const realmSchema = z.object({
  realm: z.string(),
  enabled: z.boolean(),
  clients: z.array(
    z.object({
      clientId: z.string(),
      description: z.string(),
      secret: z.string(),
      publicClient: z.boolean(),
      standardFlowEnabled: z.boolean(),
      implicitFlowEnabled: z.boolean(),
      directAccessGrantsEnabled: z.boolean(),
      redirectUris: z.array(z.string()),
      attributes: z.record(z.string(), z.string()),
      protocolMappers: z.array(z.object({ protocolMapper: z.string(), config: z.record(z.string(), z.string()) })),
    }),
  ),
  users: z.array(
    z.object({
      id: z.uuid(),
      username: z.string(),
      enabled: z.boolean(),
      email: z.email(),
      firstName: z.string(),
      lastName: z.string(),
      credentials: z.array(z.object({ type: z.string(), value: z.string(), temporary: z.boolean() })),
    }),
  ),
});

const realmText = readFileSync(new URL('../../../k8s/keycloak/opencode-realm.json', import.meta.url), 'utf8');
const realm = realmSchema.parse(JSON.parse(realmText));
const client = realm.clients.find(({ clientId }) => clientId === 'opencode-project-manager');
const audienceMapper = client?.protocolMappers.find(({ protocolMapper }) => protocolMapper === 'oidc-audience-mapper');
const [userA, userB] = realm.users;

/** The minimal configuration of an application that uses this realm. */
const config = readServerConfig({
  DATABASE_URL: 'postgresql://localhost/app',
  REDIS_URL: 'redis://localhost',
  OIDC_ISSUER: 'http://localhost:8080/realms/opencode',
  OIDC_CLIENT_ID: 'opencode-project-manager',
  OIDC_CLIENT_SECRET: client?.secret,
  SESSION_SECRET: 'x'.repeat(32),
});

describe('the realm file', () => {
  it('has the client of the application, which allows only the code flow with PKCE', () => {
    expect([realm.realm, realm.enabled]).toEqual([new URL(config.oidc.issuer).pathname.split('/').at(-1), true]);
    expect(client).toMatchObject({
      clientId: config.oidc.clientId,
      publicClient: false,
      standardFlowEnabled: true,
      implicitFlowEnabled: false,
      directAccessGrantsEnabled: false,
    });
    expect(client?.attributes['pkce.code.challenge.method']).toBe('S256');
    expect(client?.description.length).toBeLessThan(256); // the length of Keycloak's column
  });

  it('allows only redirects to the default address of the application', () => {
    const home = `http://localhost:${config.port}`;
    expect(client?.redirectUris).toEqual([`${home}/auth/callback`]);
    expect(client?.attributes['post.logout.redirect.uris']?.split('##')).toEqual([home, `${home}/`]);
    expect(realmText).not.toContain('*');
  });

  it('adds the audience of the application to access tokens only', () => {
    expect(audienceMapper?.config).toMatchObject({
      'included.client.audience': config.oidc.audience,
      'access.token.claim': 'true',
      'id.token.claim': 'false',
    });
  });

  it('has two complete users, and no secret that looks like a real one', () => {
    expect(realm.users.map(({ username }) => username)).toEqual(['user-a', 'user-b']);
    for (const { username, credentials } of realm.users) {
      expect(credentials).toEqual([{ type: 'password', value: username, temporary: false }]);
    }
    expect(new Set(realm.users.map(({ id }) => id)).size).toBe(2);
    const secrets = [...realmText.matchAll(/"(?:secret|privateKey|hashedSaltedValue|secretData)": "([^"]+)"/g)];
    expect(secrets.map(([, value]) => value)).toEqual([expect.stringMatching(/^development-secret-/)]);
  });

  it('keeps Keycloak’s own client scopes, one of which adds the subject to access tokens', () => {
    expect(realmText).not.toMatch(/"clientScopes"|"defaultClientScopes"|"defaultDefaultClientScopes"/);
  });
});

describe('tokens in Keycloak’s shape', () => {
  let database: TestDatabase;
  let db: Database;
  let issuer: ScriptedIssuer;
  let server: TestServer;

  beforeAll(async () => {
    const redis = await createTestRedis();
    [database, issuer] = await Promise.all([
      createTestDatabase(),
      startScriptedIssuer({ clientId: config.oidc.clientId }),
    ]);
    db = openTestDatabase(database.url, { poolSize: 1 });
    server = await startTestServer({
      databaseUrl: database.url,
      redisUrl: redis.url,
      env: { OIDC_ISSUER: issuer.url, OIDC_CLIENT_ID: config.oidc.clientId, OIDC_CLIENT_SECRET: client?.secret ?? '' },
    });
  });
  afterAll(async () => {
    await server.stop();
    await issuer.goAway();
    await db.destroy();
    await database.drop();
  });
  afterEach(() => issuer.repair());

  const optionsOf = (person: typeof userA) => {
    if (!person) throw new Error('The realm file has no such person.');
    return { issuer: issuer.url, clientId: config.oidc.clientId, person };
  };
  const accessToken = (person: typeof userA, audience: string | string[]) =>
    issuer.sign(keycloakAccessClaims({ ...optionsOf(person), audience }));
  const me = (token: string) => createApiCall(server.url, bearer(token))('auth.me');

  it('identify the same user by the browser and by the access token', async () => {
    // Keycloak returns `iss` and `session_state` with code and state, and announces `iss` in its metadata.
    issuer.script({
      idClaims: keycloakIdClaims(optionsOf(userA)),
      metadata: { authorization_response_iss_parameter_supported: true },
      callback: { iss: issuer.url, session_state: 'f7a1c2d0-6c53-4ee1-9d0c-8f3b1a5a9b11' },
    });
    const browser = createCookieBrowser();
    const page = await browser.open(`${server.url}/auth/login?returnTo=/projects`);
    expect(page.url).toBe(`${server.url}/projects`);
    const byCookie = await createApiCall(server.url, { cookie: browser.cookiesFor(server.url) })('auth.me');
    expect(byCookie.data).toMatchObject({ name: 'User A', email: 'user-a@example.test', picture: null });

    const token = await accessToken(userA, [config.oidc.audience, 'account']);
    expect((await me(token)).data).toEqual(byCookie.data);
    expect(await db('users').where({ oidc_subject: userA?.id })).toHaveLength(1);
    const socket = await openSocket(server.url, { token });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    socket.close();
  });

  it('create the user at the first access token, with the audience alone or in a list', async () => {
    expect((await me(await accessToken(userB, config.oidc.audience))).data).toMatchObject({ name: 'User B' });
    expect((await me(await accessToken(userB, ['account', config.oidc.audience]))).status).toBe(200);
  });

  it('are refused without the audience mapper: Keycloak’s own audience is "account"', async () => {
    const answer = await me(await accessToken(userB, 'account'));
    expect([answer.status, answer.error?.message]).toEqual([401, expect.stringContaining('another application')]);
  });

  it('are refused as ID token and as refresh token, although header and audience match an access token', async () => {
    const audience = config.oidc.audience;
    const idToken = await issuer.sign(keycloakIdClaims(optionsOf(userA)));
    const refreshToken = await issuer.sign({
      ...keycloakAccessClaims({ ...optionsOf(userA), audience }),
      typ: 'Refresh',
    });
    for (const token of [idToken, refreshToken]) {
      const answer = await me(token);
      expect([answer.status, answer.error?.message]).toEqual([401, expect.stringContaining('is not an access token')]);
    }
  });

  it('are refused without a subject, as in lightweight access tokens', async () => {
    const claims = keycloakAccessClaims({ ...optionsOf(userA), audience: config.oidc.audience });
    const answer = await me(await issuer.sign({ ...claims, sub: undefined }));
    expect([answer.status, answer.error?.message]).toEqual([401, expect.stringContaining('"sub"')]);
  });
});
