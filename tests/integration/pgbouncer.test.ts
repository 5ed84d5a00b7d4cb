import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';

import { migrateDown, migrateToLatest } from '../../src/shared/node/db/migrate.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { createTestDatabase, createTestRedis, runAsAdmin, type TestDatabase } from '../support/services.ts';
import { startTestServer } from '../support/test-server.ts';

const ignoring = ['ignore_startup_parameters = options, statement_timeout, idle_in_transaction_session_timeout'];
const advice = /docs\/operations\/supported\.md/;

describe.runIf(hasPgBouncer)('fault 37: behind the real PgBouncer in transaction mode', () => {
  const role = `pooled_${randomBytes(6).toString('hex')}`;
  let database: TestDatabase;
  let redisUrl: string;
  const asAdmin = (statement: string) => runAsAdmin(inject('postgresAdminUrl'), statement);

  beforeAll(async () => {
    database = await createTestDatabase();
    redisUrl = (await createTestRedis()).url;
    await asAdmin(`create role ${role} login password 'of-the-test'`);
    for (const what of ['tables', 'sequences']) {
      await runAsAdmin(database.url, `grant all on all ${what} in schema public to ${role}`);
      // A migration may be undone and done again below.
      await runAsAdmin(database.url, `alter default privileges in schema public grant all on ${what} to ${role}`);
    }
  });
  afterAll(async () => {
    await database.drop();
    await asAdmin(`drop role ${role}`);
  });

  async function start(settings: string[]) {
    const url = Object.assign(new URL(database.url), { username: role, password: 'of-the-test' }).href;
    const pooler = await startPgBouncer(url, settings);
    onTestFinished(() => pooler.stop());
    return startTestServer({ databaseUrl: pooler.url, redisUrl });
  }

  it('a start ends with one sentence when the settings of connections are refused, or have no effect', async () => {
    await expect(start([])).rejects.toThrow(/^A connection pooler refuses the setting \w+\./);
    await expect(start(ignoring)).rejects.toThrow(/^The database ignores the settings.*statement_timeout/);
    await expect(start([])).rejects.toThrow(advice);
  });

  it('a lock of migrations does not stay behind in a connection that the pooler keeps', async () => {
    const pooler = await startPgBouncer(database.url, ignoring);
    onTestFinished(() => pooler.stop());
    expect(await migrateDown(pooler.url)).toHaveLength(1);
    expect(await migrateToLatest(pooler.url)).toHaveLength(1);
    // This one has a connection of its own, which does not hold the lock already.
    expect(await migrateToLatest(database.url)).toEqual([]);
  });

  it('a server works when the role has the settings, as the documentation says', async () => {
    const settings = {
      timezone: 'UTC',
      datestyle: 'ISO, MDY',
      intervalstyle: 'postgres',
      search_path: 'public',
      statement_timeout: '2s',
      idle_in_transaction_session_timeout: '5s',
    };
    for (const [name, value] of Object.entries(settings)) await asAdmin(`alter role ${role} set ${name} = '${value}'`);
    const server = await start(ignoring);
    onTestFinished(() => server.stop());
    const call = createApiCall(server.url, bearer(await server.mintToken('user')));
    const created = await call('projects.create', { body: { name: 'pooled' } });
    expect(created).toMatchObject({ status: 200 });
    expect(await call('projects.list', { input: {} })).toMatchObject({
      status: 200,
      data: { items: [{ name: 'pooled' }] },
    });
    expect((await fetch(`${server.url}/readyz`)).ok).toBe(true);
  });
});
