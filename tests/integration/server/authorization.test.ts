import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createCookieJar } from '../../../src/server/auth/cookies.ts';
import { createSessionCookie } from '../../../src/server/auth/session-cookie.ts';
import { systemClock } from '../../../src/shared/clock.ts';
import { insertAccessToken } from '../../../src/shared/node/db/access-tokens-repository.ts';
import type { Database } from '../../../src/shared/node/db/database.ts';
import { insertSession, revokeSession } from '../../../src/shared/node/db/sessions-repository.ts';
import { upsertUser } from '../../../src/shared/node/db/users-repository.ts';
import { bearer, createApiCall } from '../../support/api-call.ts';
import {
  sweepStranger,
  sweepUnknown,
  type Actor,
  type SweepReport,
  type Victim,
} from '../../support/authorization-sweep.ts';
import { idFieldsOf } from '../../support/made-up-input.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { procedures as allProcedures, publicProcedures } from '../../support/procedures.ts';
import { openSocket, type RawSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, testSessionSecret, type TestServer } from '../../support/test-server.ts';

const audience = 'the-api';
const procedures = allProcedures.filter(({ name }) => !publicProcedures.has(name));

let database: TestDatabase;
let db: Database;
let issuer: { url: string; sign(claims: JWTPayload): Promise<string>; close(): void };
let server: TestServer;
let victim: Victim & { socket: RawSocket };
let strangerId: string;
let strangersToken: string;

beforeAll(async () => {
  const redis = await createTestRedis();
  [database, issuer] = await Promise.all([createTestDatabase(), startKeyIssuer()]);
  db = openTestDatabase(database.url, { poolSize: 2 });
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    env: {
      OIDC_ISSUER: issuer.url,
      OIDC_AUDIENCE: audience,
      MAX_PROJECTS_PER_USER: '1000',
      RATE_LIMIT_PER_MINUTE: '1000000', // all calls of this test come from one address
    },
  });
  victim = await createVictim();
  strangerId = (
    await upsertUser(db, { issuer: issuer.url, subject: 'stranger', email: null, name: 'stranger', picture: null })
  ).id;
  strangersToken = await server.mintToken('stranger');
});
afterAll(async () => {
  victim.socket.close();
  await server.stop();
  issuer.close();
  await db.destroy();
  await database.drop();
});

// Thousands of sequential calls take seconds, and more on a busy machine with two cores.
describe('every procedure, over HTTP, in batches and on a socket', { timeout: 120_000 }, () => {
  const reports: { unknown: SweepReport[]; stranger: Pick<SweepReport, 'answers'>[] } = { unknown: [], stranger: [] };

  it('is refused with 401 to anonymous callers and to every kind of invalid credential', async () => {
    for (const actor of await unknownActors()) {
      const report = await sweepUnknown({ url: server.url, db, procedures }, actor, victim);
      expect(report.findings).toEqual([]);
      reports.unknown.push(report);
    }
  });

  const strangers = {
    // A token cannot end sessions, not even those of its owner.
    'a token': { mayBeForbidden: true, actor: async () => byToken('a stranger with a token', strangersToken) },
    'a session': {
      mayBeForbidden: false,
      actor: async () => byCookie('a stranger with a session', await cookieOf('stranger', {})),
    },
  };
  it.each(Object.entries(strangers))(
    'is refused with 404 to a caller with %s who names an object of another user, without revealing or changing it',
    async (_, stranger) => {
      const target = { url: server.url, db, procedures };
      const report = await sweepStranger(target, { userId: strangerId, ...stranger }, victim);
      expect(report.findings).toEqual([]);
      reports.stranger.push(report);
    },
  );

  it('accepts the same kinds of credentials when they are valid', async () => {
    const good = [
      byCookie('a session', await cookieOf('victim', {})),
      byToken('a personal access token', await server.mintToken('victim')),
      byToken('a token of the issuer', await issuer.sign(goodClaims())),
    ];
    for (const { name, headers } of good) {
      const { status, data } = await createApiCall(server.url, headers)('auth.me');
      expect([name, status, data]).toEqual([name, 200, expect.objectContaining({ name: 'victim' })]);
    }
  });

  it('is listed in docs/security/procedures.md with its answers', async () => {
    const answersOf = (from: Pick<SweepReport, 'answers'>[], name: string) =>
      [...new Set(from.flatMap(({ answers }) => [...(answers.get(name) ?? [])]))].join(', ');
    const lines = allProcedures
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map((procedure) => {
        const objectIds = idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [`\`${path}\``] : []));
        const named =
          objectIds.length > 0
            ? `${objectIds.join(', ')}: ${answersOf(reports.stranger, procedure.name)}`
            : 'no object';
        const right = procedure.right === null ? '' : `\`${procedure.right}\``;
        const unknown = publicProcedures.has(procedure.name) ? 'public' : answersOf(reports.unknown, procedure.name);
        return `| \`${procedure.name}\` | ${procedure.type} | ${unknown} | ${named} | ${right} |`;
      });
    const page = `${introduction}${lines.join('\n')}\n`;
    await expect(page).toMatchFileSnapshot('../../../docs/security/procedures.md');
  });

  it('closes a socket with 4401 when nobody signs in on it', async () => {
    const codes = await Promise.all(reports.unknown.map(({ closed }) => closed));
    expect(codes).toEqual(reports.unknown.map(() => 4401));
  });
});

const introduction = `# Every procedure and the callers that it refuses

This page is generated by \`tests/integration/server/authorization.test.ts\` from the router and from the answers of the server.
The test fails when the page differs. After a change: \`npx vitest run tests/integration/server/authorization.test.ts --update\`.

"Not signed in" includes callers without credentials, and callers whose session, personal access token or issuer's token has
expired, was revoked or forged, or belongs to another application. "Another's object" is the answer to a signed-in caller who
names an object of another user. It is the same answer as for an object that does not exist. A procedure without an object uses
only the caller's own data. "Right" is what a member of a shared project needs; [roles](roles.md) says which role has it. A member without
it is refused with 403 FORBIDDEN, which \`tests/integration/server/roles.test.ts\` checks for every procedure and role.

"Public" procedures need no sign-in: with them a computer asks for a login, which a person confirms
([decision 49](../decisions/0049-login-of-a-computer.md)). \`device-login.test.ts\` shows what they answer.

| Procedure | Kind | Not signed in | Another's object | Right |
|---|---|---|---|---|
`;

const byCookie = (name: string, cookie: string): Actor => ({
  name,
  headers: { cookie, origin: server.url },
  socket: { cookie },
});
const byToken = (name: string, token: string): Actor => ({ name, headers: bearer(token), socket: { token } });

/** The claims of a valid access token of the issuer. */
function goodClaims() {
  const iat = Math.floor(Date.now() / 1000) - 100;
  return { iss: issuer.url, aud: audience, sub: 'victim', scope: 'openid', iat, exp: iat + 3_600 };
}

/** Every kind of credential that the server must refuse. */
async function unknownActors(): Promise<Actor[]> {
  const past = new Date(Date.now() - 60_000);
  const good = goodClaims();
  const user = await upsertUser(db, {
    issuer: issuer.url,
    subject: 'victim',
    email: null,
    name: 'victim',
    picture: null,
  });
  const tokenWith = async (change: object) => {
    const made = await insertAccessToken(db, { userId: user.id, name: 'swept', expiresAt: null });
    await db('access_tokens').where({ id: made.id }).update(change);
    return made.token;
  };
  return [
    { name: 'nobody', headers: {}, socket: {} },
    byCookie('the bearer of a session that has expired', await cookieOf('victim', { rowEndsAt: past })),
    byCookie('the bearer of a cookie that has expired', await cookieOf('victim', { cookieEndsAt: past })),
    byCookie('the bearer of a revoked session', await cookieOf('victim', { revoked: true })),
    byCookie('the bearer of a forged cookie', await cookieOf('victim', { signedWith: `not ${testSessionSecret}` })),
    byToken('the bearer of a revoked token', await tokenWith({ revoked_at: past })),
    byToken('the bearer of a token that has expired', await tokenWith({ expires_at: past })),
    byToken('the bearer of a made-up token', `ocpm_${'a'.repeat(43)}`),
    byToken('the bearer of a malformed token', 'ocpm_'),
    byToken('the bearer of a JWT for another audience', await issuer.sign({ ...good, aud: 'another-api' })),
    byToken('the bearer of a JWT of another issuer', await issuer.sign({ ...good, iss: 'https://other.test' })),
    byToken('the bearer of a JWT that has expired', await issuer.sign({ ...good, exp: good.iat - 60 })),
    byToken('the bearer of a JWT that nobody signed', new UnsecuredJWT(good).encode()),
    byToken('the bearer of an ID token', await issuer.sign({ ...good, scope: undefined, nonce: 'of a sign-in' })),
    byToken('the bearer of a cookie’s JWT as a token', (await cookieOf('victim', {})).split('=')[1] ?? ''),
  ];
}

/** The cookie of a new session of this user, with one fault. */
async function cookieOf(
  name: string,
  wrong: { rowEndsAt?: Date; cookieEndsAt?: Date; revoked?: boolean; signedWith?: string },
): Promise<string> {
  const user = await upsertUser(db, { issuer: issuer.url, subject: name, email: null, name, picture: null });
  const session = await insertSession(db, { userId: user.id, userAgent: null, ttlMs: 3_600_000 });
  if (wrong.rowEndsAt) await db('sessions').where({ id: session.id }).update({ expires_at: wrong.rowEndsAt });
  if (wrong.revoked) await revokeSession(db, session.id);
  const cookies = createSessionCookie({
    jar: createCookieJar(() => false),
    secret: wrong.signedWith ?? testSessionSecret,
    clock: systemClock,
  });
  const [header = ''] = await cookies.issue({ ...session, expiresAt: wrong.cookieEndsAt ?? session.expiresAt });
  return header.split(';')[0] ?? '';
}

/** A user with one object of each kind, who watches for changes of them. */
async function createVictim(): Promise<typeof victim> {
  const token = await server.mintToken('victim');
  const call = createApiCall(server.url, bearer(token));
  const made = async (path: string, body: object) => ((await call(path, { body })).data as { id: string }).id;
  const project = await made('projects.create', { name: 'Marked one', idempotencyKey: 'marked-request' });
  const second = await made('projects.create', { name: 'Marked two' });
  const accessToken = await made('tokens.create', { name: 'marked token' });
  const task = await made('tasks.create', { projectId: project, title: 'Marked task', idempotencyKey: 'marked-task' });
  const run = await made('runs.start', { taskId: task, idempotencyKey: 'marked-run' });
  await cookieOf('victim', {});
  const session = (await db('sessions').first<{ id: string }>('id')).id;
  const user = ((await call('auth.me')).data as { id: string }).id;
  const page = (await call('projects.list', { input: { limit: 1 } })).data as { nextCursor: string };
  const socket = await openSocket(server.url, { token });
  await socket.subscribe(1);
  const observed = socket.messages.find((message) => message.result?.data)?.result?.data?.id ?? '0-0';
  let changes = 0;
  return {
    socket,
    ids: [project, accessToken, session, user, task, run],
    texts: ['marked-request', 'marked-task', 'marked-run', page.nextCursor, observed, '0-0'],
    marks: [
      project,
      second,
      accessToken,
      session,
      user,
      task,
      run,
      'Marked one',
      'Marked two',
      'Marked task',
      'marked token',
      'marked change',
    ],
    async change() {
      changes += 1;
      const description = `marked change ${changes}`;
      const { status } = await call('projects.update', { body: { id: project, description } });
      if (status !== 200) return; // another check already reports that the object is gone
      await socket.message((message) => JSON.stringify(message).includes(description));
    },
  };
}

/** The part of an issuer that verifying a token needs: its metadata and its key. */
async function startKeyIssuer(): Promise<typeof issuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const key = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'RS256' };
  const listening: Server = createServer((request, response) => {
    const metadata = {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/keys`,
      response_types_supported: ['code'],
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(request.url === '/keys' ? { keys: [key] } : metadata));
  });
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`; // it listens on TCP
  return {
    url,
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(privateKey),
    close: () => {
      listening.closeAllConnections();
      listening.close();
    },
  };
}
