import { randomBytes } from 'node:crypto';

import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/shared/clock.ts';
import { accessTokenClaims } from '../../support/access-token-claims.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/scripted-issuer.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const audience = 'https://projects.example.test/api';
let database: TestDatabase;
let redisUrl: string;
let issuer: ScriptedIssuer;
let server: TestServer;
/** How far the server's clock is ahead of the real one. */
let aheadMs = 0;

const start = () =>
  startTestServer({
    databaseUrl: database.url,
    redisUrl,
    env: { OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: audience },
    clock: { ...systemClock, now: () => Date.now() + aheadMs },
  });

beforeAll(async () => {
  redisUrl = (await createTestRedis()).url;
  [database, issuer] = await Promise.all([createTestDatabase(), startScriptedIssuer()]);
  server = await start();
});
afterAll(async () => {
  await server.stop();
  await issuer.goAway();
  await database.drop();
});
beforeEach(() => {
  aheadMs += 2_000; // what the test before has asked the issuer does not count any more
  return () => issuer.repair();
});

const claims = (changes?: Record<string, unknown>) =>
  accessTokenClaims({ issuer: issuer.url, audience, nowMs: Date.now() + aheadMs }, changes);
const accessToken = (changes?: Record<string, unknown>) => issuer.sign(claims(changes), { typ: 'at+jwt' });
const me = (token: string, at = server) => createApiCall(at.url, bearer(token))('auth.me');

describe('the keys of the issuer', () => {
  it('may have any accepted algorithm, and other algorithms are refused although the issuer publishes the key', async () => {
    const made = await Promise.all(['ES256', 'EdDSA', 'PS256', 'ML-DSA-44'].map((alg) => newSigner(alg)));
    issuer.script({ moreKeys: made.map(({ shown }) => shown) });
    for (const { alg, sign } of made) {
      const { status } = await me(await sign(claims()));
      expect([alg, status]).toEqual([alg, alg === 'ML-DSA-44' ? 401 : 200]);
    }
  });

  it('are read again at once for an unknown key, but only once for many tokens with invented keys', async () => {
    expect((await me(await accessToken())).status).toBe(200);
    await issuer.rotateKey();
    const asked = issuer.count('keys');
    const token = await accessToken();
    const answers = await Promise.all(Array.from({ length: 10 }, () => me(token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(issuer.count('keys')).toBe(asked + 1);
    const { privateKey } = await generateKeyPair('RS256');
    const forge = (kid: string) =>
      new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid }).sign(privateKey);
    const startedAt = performance.now();
    const forged = await Promise.all(Array.from({ length: 40 }, (_, index) => forge(`made-up-${index}`)));
    for (const one of forged) expect((await me(one)).status).toBe(401);
    const seconds = Math.ceil((performance.now() - startedAt) / 1_000);
    expect(issuer.count('keys')).toBeLessThanOrEqual(asked + 1 + seconds);
  });

  it('verify tokens during an outage of the issuer, and a token with an unknown key is answered with 503 instead of 401', async () => {
    const [known, socketToken] = [await accessToken(), await accessToken()];
    expect((await me(known)).status).toBe(200);
    await issuer.goAway();
    await issuer.rotateKey();
    aheadMs += 4 * 60 * 1_000;
    expect((await me(known)).status).toBe(200);
    const socket = await openSocket(server.url, { token: socketToken });
    expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
    socket.close();

    const unknown = await accessToken();
    const answer = await me(unknown);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10']);
    expect(answer.error?.message).toContain('The sign-in service does not answer right now.');
    expect(await (await openSocket(server.url, { token: unknown })).closed).toBe(1013);
    await issuer.comeBack();
    aheadMs += 1_000;
    expect((await me(unknown)).status).toBe(200);
  });

  it('verify tokens without delay while the issuer accepts connections and does not answer', async () => {
    const token = async () => accessToken({ exp: Math.floor((Date.now() + aheadMs) / 1_000) + 3_600 });
    expect((await me(await token())).status).toBe(200);
    issuer.break('metadata', 'silence');
    aheadMs += 60 * 60 * 1_000;
    expect((await me(await token())).status).toBe(200); // finds out by waiting for it
    aheadMs += 2_000;
    const startedAt = performance.now();
    expect((await me(await token())).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  it('are read by a server that started without the issuer as soon as the issuer answers; until then it answers 503', async () => {
    await issuer.goAway();
    const other = await start();
    try {
      const token = await accessToken();
      const answer = await me(token, other);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10']);
      await issuer.comeBack();
      aheadMs += 1_000;
      expect((await me(token, other)).status).toBe(200);
    } finally {
      await other.stop();
    }
  });
});

async function newSigner(alg: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = randomBytes(8).toString('hex');
  const sign = (payload: JWTPayload) =>
    new SignJWT(payload).setProtectedHeader({ alg, typ: 'at+jwt', kid }).sign(privateKey);
  return { alg, shown: { ...(await exportJWK(publicKey)), kid }, sign };
}
