import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createDatabase } from '../../../src/shared/node/db/database.ts';
import { migrateDown } from '../../../src/shared/node/db/migrate.ts';
import { createTestDatabase, createTestRedis, type TestDatabase, type TestRedis } from '../../support/services.ts';
import { proxyOf } from '../../support/tcp-proxy.ts';
import { startTestServer } from '../../support/test-server.ts';

let database: TestDatabase;
let redis: TestRedis;

beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
});
afterAll(() => database.drop());

describe('a server that starts', () => {
  it('waits for a database that does not answer yet', async () => {
    const { url, proxy } = await proxyOf(database.url);
    proxy.cut();
    const starting = startTestServer({ databaseUrl: url, redisUrl: redis.url });
    await delay(600);
    proxy.restore();
    const late = await starting;
    expect((await fetch(`${late.url}/livez`)).status).toBe(200);
    await late.stop();
    await proxy.close();
  });

  it('refuses a database that lacks migrations or is newer, with a message', async () => {
    const other = await createTestDatabase();
    await migrateDown(other.url);
    const start = () => startTestServer({ databaseUrl: other.url, redisUrl: redis.url });
    await expect(start()).rejects.toThrow(/lacks the migrations .*Run "npm run migrate" first/);
    const db = createDatabase(other.url, { poolSize: 1 });
    await db('knex_migrations').insert({ name: '9999-from-the-future', batch: 1, migrationTime: new Date() });
    await db.destroy();
    await expect(start()).rejects.toThrow('The database is newer than this program');
    await other.drop();
  });
});
