import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';

import { migrateToLatest } from '../../src/shared/node/db/migrate.ts';
import { bearer, createApiCall } from '../support/api-call.ts';
import { startPooler } from '../support/pooler.ts';
import { createTestDatabase, createTestRedis, runAsAdmin, type TestDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';

const adminUrl = inject('postgresAdminUrl');
const role = `role_${randomBytes(6).toString('hex')}`;
let database: TestDatabase;
let name: string;
/** The database as a role that is neither superuser nor owner. */
let url: URL;
let server: TestServer;
let call: ReturnType<typeof createApiCall>;
const lines: string[] = [];

const asAdmin = (statement: string) => runAsAdmin(adminUrl, statement);
const inDatabase = (statement: string) => runAsAdmin(database.url, statement);
const disconnect = () => asAdmin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);

beforeAll(async () => {
  database = await createTestDatabase();
  url = new URL(database.url);
  name = url.pathname.slice(1);
  await asAdmin(`create role ${role} login password 'of-the-test'`);
  await inDatabase(`grant all on all tables in schema public to ${role}`);
  await inDatabase(`grant all on all sequences in schema public to ${role}`);
  [url.username, url.password] = [role, 'of-the-test'];
  server = await startTestServer({
    databaseUrl: url.href,
    redisUrl: (await createTestRedis()).url,
    env: { LOG_LEVEL: 'warn', MAX_PROJECTS_PER_USER: '10000' },
    logTo: { write: (line) => void lines.push(line) },
  });
  call = createApiCall(server.url, bearer(await server.mintToken('user')));
});
afterAll(async () => {
  await server.stop();
  await database.drop();
  await asAdmin(`drop role ${role}`);
});

const create = () => call('projects.create', { body: { name: randomBytes(6).toString('hex') } });

interface Refusal {
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
  cause: RegExp;
}

const refusals: Record<string, Refusal> = {
  'is read-only': {
    begin: async () => {
      await asAdmin(`alter database ${name} set default_transaction_read_only = on`);
      await disconnect();
    },
    // Connections from before stay read-only.
    end: () => asAdmin(`alter database ${name} reset default_transaction_read_only`),
    cause: /read-only/,
  },
  'accepts no connections': {
    begin: async () => {
      await asAdmin(`alter database ${name} allow_connections false`);
      await disconnect();
    },
    end: () => asAdmin(`alter database ${name} allow_connections true`),
    cause: /accepts no connections/,
  },
  'has no connection left': {
    begin: async () => {
      await asAdmin(`alter database ${name} connection limit 0`);
      await disconnect();
    },
    end: () => asAdmin(`alter database ${name} connection limit -1`),
    cause: /no free connection/,
  },
  'lacks a table': {
    begin: () => inDatabase('alter table projects rename to projects_away'),
    end: () => inDatabase('alter table projects_away rename to projects'),
    cause: /table/,
  },
  'refuses a privilege': {
    begin: () => inDatabase(`revoke insert, update on projects from ${role}`),
    end: () => inDatabase(`grant insert, update on projects to ${role}`),
    cause: /privilege/,
  },
  // As PostgreSQL reports a disk without space to a writer. A full disk of its write-ahead log ends it instead.
  'has no space on its disk (fault 46)': {
    begin: async () => {
      await inDatabase(
        `create function refuse() returns trigger language plpgsql as
         $$ begin raise 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full'; end $$`,
      );
      await inDatabase(
        'create trigger refuse before insert or update on projects for each row execute function refuse()',
      );
    },
    end: () => inDatabase('drop function refuse cascade'),
    cause: /disk of the database is full/,
  },
};

/** What a line of the log says, without its time. */
function conditionOf(line: string): string {
  const { time: _time, ...said } = JSON.parse(line) as Record<string, unknown>;
  const isEnd = String(said['knex']).startsWith('Connection Error');
  return isEnd ? 'a connection has ended' : JSON.stringify(said);
}

describe('fault 35: PostgreSQL answers and refuses', () => {
  let ending: (() => Promise<unknown>) | null = null;
  afterEach(async () => {
    await ending?.();
    ending = null;
  });

  it.each(Object.entries(refusals))(
    'a database that %s causes 503 with Retry-After and the cause, few log lines, and heals',
    async (_, { begin, end, cause }) => {
      expect((await create()).status).toBe(200);
      lines.length = 0;
      await begin();
      ending = end;
      // An answer to a connection that was just closed names that instead.
      await expect.poll(async () => (await create()).error?.message, { interval: 20 }).toMatch(cause);
      for (let round = 0; round < 5; round += 1) {
        for (const answer of await Promise.all(Array.from({ length: 8 }, create))) {
          expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
          expect(answer.error?.message).toMatch(cause);
        }
      }
      const ready = await fetch(`${server.url}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.text()).toMatch(cause);
      // More than forty requests were refused. A condition is logged once in a minute, whichever request meets it, and the
      // connections that `begin` and the server have closed for different reasons are one condition.
      expect(lines.length, lines.join('')).toBeGreaterThan(0);
      expect(lines.length, lines.join('')).toBeLessThan(10);
      const conditions = lines.map(conditionOf);
      expect(conditions).toEqual([...new Set(conditions)]);

      await end();
      ending = null;
      await expect.poll(async () => (await create()).status, { timeout: 10_000, interval: 100 }).toBe(200);
      for (const answer of await Promise.all(Array.from({ length: 16 }, create))) expect(answer.status).toBe(200);
      expect((await fetch(`${server.url}/readyz`)).ok).toBe(true);
    },
    20_000,
  );
});

describe('fault 37: other settings of the database', () => {
  it('other styles of dates and intervals, zone and search path change nothing', async () => {
    const settings = {
      datestyle: "'SQL, DMY'",
      timezone: "'Asia/Kolkata'",
      intervalstyle: "'sql_standard'",
      search_path: "'pg_catalog'",
      client_encoding: "'LATIN1'",
    };
    for (const [key, value] of Object.entries(settings)) await asAdmin(`alter role ${role} set ${key} = ${value}`);
    await disconnect();
    await expect.poll(async () => (await call('tokens.list')).status, { interval: 20 }).toBe(200);
    const description = 'Ünïcode ✓ 🙂';
    const created = await call('projects.create', { body: { name: 'Elsewhere', description } });
    expect(created.status).toBe(200);
    const { id } = created.data as { id: string }; // an answer of projects.create
    const read = (await call('projects.get', { input: { id } })).data as { description: string; createdAt: string };
    expect(read.description).toBe(description);
    expect(Math.abs(Date.parse(read.createdAt) - Date.now())).toBeLessThan(60_000);
    expect((await call('projects.activity', { input: { id } })).status).toBe(200);
    for (const key of Object.keys(settings)) await asAdmin(`alter role ${role} reset ${key}`);
  });

  it.each([
    ['ignores', /ignores the settings.*statement_timeout.*DATABASE_URL/],
    ['refuses', /pooler refuses the setting options.*DATABASE_URL/],
  ] as const)(
    'a pooler that %s the settings of connections ends the start with one sentence',
    async (how, sentence) => {
      const pooler = await startPooler(database.url, how);
      const startedAt = performance.now();
      await expect(startTestServer({ databaseUrl: pooler.url, redisUrl: 'redis://127.0.0.1:9' })).rejects.toThrow(
        sentence,
      );
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      await pooler.stop();
    },
  );

  it('tables in another schema are used when the address names it, and never created again in another', async () => {
    const own = await createTestDatabase();
    const tables =
      "select 'alter table public.' || tablename || ' set schema elsewhere' from pg_tables where schemaname = 'public'";
    await runAsAdmin(
      own.url,
      `do $$ declare move text; begin create schema elsewhere; for move in ${tables} loop execute move; end loop; end $$`,
    );
    await expect(migrateToLatest(own.url)).rejects.toThrow(/in the schema elsewhere\. Add \?options=/);
    expect(await migrateToLatest(`${own.url}?options=-c%20search_path%3Delsewhere`)).toEqual([]);
    await own.drop();
  });
});
