import { afterAll, beforeAll, expect, it } from 'vitest';

import { bearer, createApiCall } from '../../support/api-call.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { openSocket } from '../../support/raw-socket.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  const redis = await createTestRedis();
  database = await createTestDatabase();
  server = await startTestServer({
    databaseUrl: database.url,
    redisUrl: redis.url,
    timings: { revocationIntervalMs: 100 },
  });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

interface Created {
  id: string;
  token: string;
}

const callAs = async (name: string) => createApiCall(server.url, bearer(await server.mintToken(name)));

it('a personal access token authenticates its owner until it is revoked, and its secret is returned once', async () => {
  const call = await callAs('anna');
  const created = (await call('tokens.create', { body: { name: ' Laptop ' } })).data as Created;
  expect(created).toMatchObject({ name: 'Laptop', expiresAt: null, lastUsedAt: null });
  expect(created.token).toMatch(/^ocpm_[A-Za-z0-9_-]{43}$/);

  const withToken = createApiCall(server.url, bearer(created.token));
  expect((await withToken('auth.me')).data).toMatchObject({ name: 'anna' });
  const listed = (await call('tokens.list')).data as Created[];
  expect(listed.find(({ id }) => id === created.id)).toMatchObject({ lastUsedAt: expect.any(String) as string });
  expect(JSON.stringify(listed)).not.toContain(created.token);
  const rows = await onDatabase((db) => db('access_tokens').select());
  expect(JSON.stringify(rows)).not.toContain(created.token);

  expect((await call('tokens.revoke', { body: { id: created.id } })).status).toBe(200);
  expect((await call('tokens.revoke', { body: { id: created.id } })).status).toBe(200);
  const refused = await withToken('auth.me');
  expect([refused.status, refused.error?.message]).toEqual([401, expect.stringContaining('revoked')]);
  expect(((await call('tokens.list')).data as Created[]).some(({ id }) => id === created.id)).toBe(false);
});

it('revoking a token closes the sockets that were opened with it, and no other sockets', async () => {
  const call = await callAs('bert');
  const [one, two] = [
    (await call('tokens.create', { body: { name: 'one' } })).data as Created,
    (await call('tokens.create', { body: { name: 'two' } })).data as Created,
  ];
  const [first, second] = [
    await openSocket(server.url, { token: one.token }),
    await openSocket(server.url, { token: two.token }),
  ];
  await first.subscribe(1);
  await second.subscribe(1);
  await call('tokens.revoke', { body: { id: one.id } });
  expect(await first.closed).toBe(4401);
  expect(await second.subscribe(2)).toMatchObject({ type: 'snapshot' });

  // As if another server had revoked it: this server only finds the changed row.
  await onDatabase((db) => db('access_tokens').where({ id: two.id }).update({ revokedAt: db.fn.now() }));
  expect(await second.closed).toBe(4401);
});

it('an expired token is refused, and its socket closes when it expires', async () => {
  const call = await callAs('cleo');
  const expiresAt = new Date(Date.now() + 800).toISOString();
  const { token } = (await call('tokens.create', { body: { name: 'brief', expiresAt } })).data as Created;
  const socket = await openSocket(server.url, { token });
  expect(await socket.subscribe(1)).toMatchObject({ type: 'snapshot' });
  expect(await socket.closed).toBe(4401);
  await expect.poll(async () => (await createApiCall(server.url, bearer(token))('auth.me')).status).toBe(401);
});

it('an unknown or malformed token is refused', async () => {
  for (const authorization of ['Bearer ocpm_none', 'Bearer eyJhbGciOiJub25lIn0.e30.', 'Bearer', 'Basic dTpw', 'x']) {
    expect((await createApiCall(server.url, { authorization })('auth.me')).status).toBe(401);
  }
});

async function onDatabase<T>(use: (db: ReturnType<typeof openTestDatabase>) => PromiseLike<T>): Promise<T> {
  const db = openTestDatabase(database.url, { poolSize: 1 });
  try {
    return await use(db);
  } finally {
    await db.destroy();
  }
}
