import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { accessTokenClaims } from '../../support/access-token-claims.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const audience = 'https://projects.example.test/api';
let database: TestDatabase;
let redisUrl: string;
let db: Database;
let issuer: ScriptedIssuer;
let server: TestServer;
/** How far the server's clock is ahead of the real one. */
let aheadMs = 0;
const output: string[] = [];

const start = (env: Record<string, string> = {}) =>
  startTestServer({
    databaseUrl: database.url,
    redisUrl,
    env: { OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: audience, LOG_LEVEL: 'trace', ...env },
    clock: { ...systemClock, now: () => Date.now() + aheadMs },
    logTo: { write: (line) => output.push(line) },
  });

beforeAll(async () => {
  redisUrl = (await createTestRedis()).url;
  [database, issuer] = await Promise.all([createTestDatabase(), startScriptedIssuer()]);
  db = openTestDatabase(database.url, { poolSize: 2 });
  server = await start();
});
afterAll(async () => {
  await server.stop();
  await issuer.goAway();
  await db.destroy();
  await database.drop();
});
beforeEach(() => {
  aheadMs += 2_000; // the issuer's answers to the previous test have expired
  return () => issuer.repair();
});

const secondsFromNow = (seconds: number) => Math.floor((Date.now() + aheadMs) / 1_000) + seconds;

const claims = (changes?: Record<string, unknown>) =>
  accessTokenClaims({ issuer: issuer.url, audience, nowMs: Date.now() + aheadMs }, changes);
const accessToken = (changes?: Record<string, unknown>, typ = 'at+jwt') => issuer.sign(claims(changes), { typ });

const me = (token: string, at = server) => createApiCall(at.url, bearer(token))('auth.me');

async function refusal(token: string): Promise<string> {
  const answer = await me(token);
  expect(answer.error?.data).toMatchObject({ httpStatus: 401, appCode: 'UNAUTHENTICATED' });
  for (const part of token.split('.').filter((text) => text.length > 8)) expect(answer.text).not.toContain(part);
  return answer.error?.message ?? '';
}

async function usersOf(subject: string): Promise<Record<string, unknown>[]> {
  return db('users').where({ oidc_subject: subject }).select('email', 'name', 'picture');
}

describe('an access token of the issuer', () => {
  it('authorises calls and creates its user at the first use', async () => {
    const token = await accessToken({ sub: 'first', name: 'Fay First', email: 'fay@example.test' });
    expect((await me(token)).data).toMatchObject({ name: 'Fay First', email: 'fay@example.test', picture: null });
    const created = await createApiCall(server.url, bearer(token))('projects.create', { body: { name: 'By script' } });
    expect(created.status).toBe(200);
    expect(await usersOf('first')).toHaveLength(1);
  });

  it('creates its user once, even if many calls use it for the first time concurrently', async () => {
    const token = await accessToken({ sub: 'crowd' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => me(token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ data }) => (data as { id: string }).id)).size).toBe(1);
    expect(await usersOf('crowd')).toEqual([{ email: null, name: 'crowd', picture: null }]);
  });

  it('updates the claims of its user and keeps claims that it lacks', async () => {
    const picture = 'https://pictures.example.test/k.png';
    await me(await accessToken({ sub: 'known', name: 'Kay', email: 'kay@example.test', picture }));
    await me(await accessToken({ sub: 'known', preferred_username: 'k1' }));
    expect(await usersOf('known')).toEqual([{ email: 'kay@example.test', name: 'Kay', picture }]);
    await me(await accessToken({ sub: 'known', email: 'new@example.test' }));
    expect(await usersOf('known')).toEqual([{ email: 'new@example.test', name: 'Kay', picture }]);
  });

  it('confirms the address that it names, and no other', async () => {
    const isConfirmed = async (said: object) => {
      await me(await accessToken({ sub: 'confirmed', ...said }));
      return (await db('users').where({ oidc_subject: 'confirmed' }).first<{ emailVerified: boolean }>()).emailVerified;
    };
    expect(await isConfirmed({ email: 'c@example.test' })).toBe(false);
    expect(await isConfirmed({ email: 'c@example.test', email_verified: true })).toBe(true);
    expect(await isConfirmed({})).toBe(true);
    expect(await isConfirmed({ email: 'c@example.test' })).toBe(true);
    expect(await isConfirmed({ email: 'of-another@example.test' })).toBe(false);
  });

  it('opens a socket, which closes with 4401 when it expires', async () => {
    const startedAt = performance.now();
    const socket = await openSocket(server.url, { token: await accessToken({ exp: secondsFromNow(3) }) });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    expect(await socket.closed).toBe(4401);
    expect(performance.now() - startedAt).toBeLessThan(6_000);
  });

  it('is accepted with several audiences if ours is one of them', async () => {
    expect((await me(await accessToken({ aud: ['account', audience] }))).status).toBe(200);
  });

  it('is accepted with a clock difference of a few seconds', async () => {
    expect((await me(await accessToken({ exp: secondsFromNow(-3) }))).status).toBe(200);
    expect((await me(await accessToken({ nbf: secondsFromNow(3) }))).status).toBe(200);
  });

  it('must have the client id as audience when no audience is configured', async () => {
    const other = await start({ OIDC_AUDIENCE: '' });
    try {
      expect((await me(await accessToken({ aud: 'test-client' }), other)).status).toBe(200);
      expect((await me(await accessToken(), other)).status).toBe(401);
    } finally {
      await other.stop();
    }
  });

  it('never appears in the log, whether it is valid or not', async () => {
    const tokens = [await accessToken(), await accessToken({ aud: 'other' }), await accessToken({ exp: 1 })];
    for (const token of tokens) await me(token);
    for (const token of tokens) expect(output.join('')).not.toContain(token.split('.')[2]);
  });
});

describe('a refused token is answered with the reason and never repeated:', () => {
  it('when it has expired', async () => {
    expect(await refusal(await accessToken({ exp: secondsFromNow(-10) }))).toContain('has expired');
  });

  it('when it is not valid yet', async () => {
    expect(await refusal(await accessToken({ nbf: secondsFromNow(20) }))).toContain('not valid yet');
  });

  it('when it is for another application', async () => {
    for (const aud of ['account', ['account', 'other'], `${audience}/`, [], undefined]) {
      expect(await refusal(await accessToken({ aud }))).toContain(
        `another application. Get one for the audience "${audience}"`,
      );
    }
  });

  it('when another issuer issued it, whose keys are not requested', async () => {
    const asked = issuer.count('keys');
    const { privateKey } = await generateKeyPair('RS256');
    const foreign = await new SignJWT(claims({ iss: 'https://other.example.test' }))
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'theirs' })
      .sign(privateKey);
    expect(await refusal(foreign)).toContain('another sign-in service');
    expect(issuer.count('keys')).toBe(asked);
  });

  it('when its issuer differs from ours by one character', async () => {
    expect(await refusal(await accessToken({ iss: `${issuer.url}/` }))).toContain('another sign-in service');
  });

  it('when another key signed it, with its own key id or with ours', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    for (const kid of ['made-up', issuer.publicKey().kid ?? '']) {
      const forged = await new SignJWT(claims())
        .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid })
        .sign(privateKey);
      expect(await refusal(forged)).toContain('was not signed by our sign-in service');
    }
  });

  it('when its claims were changed', async () => {
    const [head, , signature] = (await accessToken()).split('.');
    const body = Buffer.from(JSON.stringify(claims({ sub: 'admin' }))).toString('base64url');
    expect(await refusal(`${head}.${body}.${signature}`)).toContain('was changed');
    expect(await usersOf('admin')).toEqual([]);
  });

  it('when it is not signed, or signed with an algorithm that is not accepted', async () => {
    expect(await refusal(new UnsecuredJWT(claims()).encode())).toContain('signature algorithm is not accepted');
    // The classical attack: the public key, which everybody has, is used as a shared secret.
    const secret = Buffer.from(JSON.stringify(issuer.publicKey()));
    const head = { alg: 'HS256', typ: 'at+jwt', kid: issuer.publicKey().kid ?? '' };
    const confused = await new SignJWT(claims()).setProtectedHeader(head).sign(secret);
    expect(await refusal(confused)).toContain('signature algorithm is not accepted');
  });

  it('when it has no subject or no expiry', async () => {
    expect(await refusal(await accessToken({ sub: undefined }))).toContain('"sub"');
    expect(await refusal(await accessToken({ sub: '' }))).toContain('"sub"');
    expect(await refusal(await accessToken({ sub: 'a\u0000b' }))).toContain('"sub"');
    expect(await refusal(await accessToken({ exp: undefined }))).toContain('"exp"');
  });

  it('when it is an ID token, a refresh token, or another token that is not an access token', async () => {
    const sameAudience = { aud: audience };
    const notForAccess: Promise<string>[] = [
      accessToken({ ...sameAudience, client_id: undefined }, 'JWT'),
      accessToken({ ...sameAudience, nonce: 'n' }, 'JWT'),
      accessToken({ ...sameAudience, at_hash: 'h', scope: 'openid' }, 'JWT'),
      accessToken({ ...sameAudience, typ: 'ID' }, 'JWT'),
      accessToken({ ...sameAudience, typ: 'Refresh' }, 'JWT'),
      accessToken({ ...sameAudience, token_use: 'id' }, 'JWT'),
      accessToken(sameAudience, 'logout+jwt'),
    ];
    for (const token of notForAccess) expect(await refusal(await token)).toContain('is not an access token');
    expect((await me(await accessToken({ scope: 'openid' }, 'JWT'))).status).toBe(200);
  });

  it('when it is bound to a key of its owner', async () => {
    const thumbprint = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
    expect(await refusal(await accessToken({ cnf: { jkt: thumbprint } }))).toContain('bound to a key');
  });

  it('when it is not a token', async () => {
    for (const token of ['a.b.c', 'eyJhbGciOiJSUzI1NiJ9.bm8ganNvbg.c2ln', `${'x'.repeat(9_000)}.y.z`]) {
      expect(await refusal(token)).toContain('cannot be read');
    }
  });

  it('when a socket sends it, which then cannot be used', async () => {
    const socket = await openSocket(server.url, { token: await accessToken({ aud: 'other' }) });
    expect(await socket.subscribe(1)).toMatchObject({
      message: expect.stringContaining('another application') as string,
      data: { appCode: 'UNAUTHENTICATED' },
    });
    socket.close();
  });
});
