import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';

import { Client } from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';
import {
  acquireLease,
  readWatchObservation,
  releaseLease,
  renewLease,
  watchLeaseName,
} from '../../src/shared/node/db/leases-repository.ts';
import { assertMigrated, migrateDown, migrateToLatest } from '../../src/shared/node/db/migrate.ts';
import { listProjectEvents } from '../../src/shared/node/db/project-events-repository.ts';
import {
  changeProject,
  findProject,
  insertProject,
  listPendingProjects,
  listProjects,
} from '../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createTestDatabase } from '../support/services.ts';
import { proxyOf } from '../support/tcp-proxy.ts';
import { testIssuer } from '../support/test-issuer.ts';

/** Every file of the folder, so that a file that the code does not list is found. */
const migrationNames = readdirSync(new URL('../../migrations/', import.meta.url))
  .map((file) => file.replace(/\.ts$/, ''))
  .toSorted();
const newest = migrationNames.at(-1) ?? '';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function databaseUrl(): Promise<string> {
  const database = await createTestDatabase();
  cleanUps.push(() => database.drop());
  return database.url;
}

async function connect(): Promise<Database> {
  const db = createDatabase(await databaseUrl());
  cleanUps.push(() => db.destroy());
  return db;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

const ownTables = (url: string) =>
  query(
    url,
    "select table_name from information_schema.tables where table_schema = 'public' and table_name not like 'knex%' order by 1",
  ).then((rows) => rows.map((row) => row['table_name']));

describe('migrations', () => {
  const all = [
    'access_tokens',
    'audit_entries',
    'config_versions',
    'device_logins',
    'installation',
    'leases',
    'model_keys',
    'model_usage',
    'project_events',
    'project_members',
    'project_starts',
    'project_use',
    'projects',
    'run_transcripts',
    'runs',
    'sessions',
    'task_changes',
    'tasks',
    'used_tickets',
    'users',
  ];

  it('migrate down to an empty database and up again', async () => {
    const url = await databaseUrl();
    expect(await ownTables(url)).toEqual(all);
    for (let undone = await migrateDown(url); undone.length > 0; undone = await migrateDown(url)) {
      expect(undone).toHaveLength(1);
    }
    expect(await ownTables(url)).toEqual([]);
    expect(await migrateToLatest(url)).toEqual(migrationNames);
    expect(await ownTables(url)).toEqual(all);
  });

  it('have no effect when they run again, and run once when two processes start together', async () => {
    const url = await databaseUrl();
    expect(await migrateToLatest(url)).toEqual([]);
    for (const _ of migrationNames) await migrateDown(url);
    const ran = await Promise.all([migrateToLatest(url), migrateToLatest(url)]);
    expect(ran.map((names) => names.length).toSorted((a, b) => a - b)).toEqual([0, migrationNames.length]);
  });

  it('run after a process was killed while it held the lock of the library', async () => {
    const url = await databaseUrl();
    await query(url, 'update knex_migrations_lock set is_locked = 1');
    await migrateDown(url);
    expect(await migrateToLatest(url)).toEqual([newest]);
  });

  it('refuse a database that is newer than the code, and the program does not start on an older one', async () => {
    const url = await databaseUrl();
    const db = createDatabase(url);
    cleanUps.push(() => db.destroy());
    await assertMigrated(db);
    await migrateDown(url);
    await expect(assertMigrated(db)).rejects.toThrow(new RegExp(`lacks the migrations ${newest}.*npm run migrate`));
    await query(url, "insert into knex_migrations (name, batch, migration_time) values ('0099-later', 9, now())");
    await expect(migrateToLatest(url)).rejects.toThrow(/newer than this program.*0099-later/);
    await expect(assertMigrated(db)).rejects.toThrow(/newer than this program/);
  });
});

describe('the connection pool', () => {
  it('gives the wait for a connection and the statement on it one time limit together', async () => {
    const db = createDatabase(await databaseUrl(), { poolSize: 1 });
    cleanUps.push(() => db.destroy());
    const before = db.raw('select pg_sleep(1.5)').then(() => undefined); // knex sends it now
    const askedAtMs = performance.now();
    await expect(db.raw('select pg_sleep(30)')).rejects.toThrow(/timeout/);
    expect(performance.now() - askedAtMs).toBeLessThan(2_900); // 1.5 s of waiting and the 2 s of a statement would be more
    await before;
    await db.raw('select 1');
  });

  it('uses a connection that took longer to open than its first statement could wait, instead of opening another', async () => {
    const { url, proxy } = await proxyOf(await databaseUrl());
    cleanUps.push(() => proxy.close());
    const db = createDatabase(url, { poolSize: 1 });
    cleanUps.push(() => db.destroy());
    proxy.freeze();
    await expect(db.raw('select 1')).rejects.toThrow(/[Tt]imeout/);
    proxy.restore();
    await expect.poll(() => db.raw('select 1').then(() => 'answered', String)).toBe('answered');
    expect(proxy.connections).toBe(1);
  });
});

async function addProject(
  db: Database,
  options: { ownerId: string; name: string; idempotencyKey?: string; maxProjects?: number },
) {
  const id = randomUUID();
  return db.transaction((trx) =>
    insertProject(
      trx,
      {
        id,
        ownerId: options.ownerId,
        idempotencyKey: options.idempotencyKey ?? null,
        name: options.name,
        description: '',
        repoUrl: null,
        namespace: 'opencode',
        podName: `project-${id}-abcde`,
        workspacePvcName: `workspace-${id}`,
      },
      { maxProjects: options.maxProjects ?? 20 },
    ),
  );
}

const addUser = (db: Database) =>
  upsertUser(db, { issuer: testIssuer, subject: randomUUID(), email: null, name: 'Somebody', picture: null });

describe('projects', () => {
  it('have a unique name among the live projects of an owner, in any case, until deletion is requested', async () => {
    const db = await connect();
    const [owner, other] = [await addUser(db), await addUser(db)];
    const { record } = await addProject(db, { ownerId: owner.id, name: 'Alpha' });
    await expect(addProject(db, { ownerId: owner.id, name: 'ALPHA' })).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      fields: { name: expect.stringContaining('already') as string },
    });
    await addProject(db, { ownerId: other.id, name: 'alpha' });
    await changeProject(db, { id: record.id }, () => ({ patch: { desiredState: 'deleted' } }));
    await addProject(db, { ownerId: owner.id, name: 'alpha' });
    expect((await findProject(db, record.id))?.name).toBe('Alpha');
  });

  it('never exceed the quota with concurrent creates', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => addProject(db, { ownerId: owner.id, name: `p${index}`, maxProjects: 3 })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(3);
    const refusal = results.find((result) => result.status === 'rejected');
    expect(refusal?.reason).toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: expect.stringContaining('3 of at most 3') as string,
    });
  });

  it('are created once for a repeated idempotency key, even by two concurrent creates', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const twice = await Promise.all([
      addProject(db, { ownerId: owner.id, name: 'same', idempotencyKey: 'r-1' }),
      addProject(db, { ownerId: owner.id, name: 'same', idempotencyKey: 'r-1' }),
    ]);
    expect(new Set(twice.map(({ record }) => record.id)).size).toBe(1);
    expect(twice.filter(({ created }) => created)).toHaveLength(1);
  });

  it('raise their version only with changes that differ', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const { record } = await addProject(db, { ownerId: owner.id, name: 'versions' });
    const first = await changeProject(db, { id: record.id }, () => ({ patch: { message: 'new' } }));
    expect(first).toMatchObject({ changed: true, record: { statusVersion: record.statusVersion + 1, message: 'new' } });
    const same = await changeProject(db, { id: record.id }, () => ({ patch: { message: 'new' } }));
    expect(same).toMatchObject({ changed: false, record: { statusVersion: record.statusVersion + 1 } });
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        changeProject(db, { id: record.id }, () => ({ patch: { message: `m${index}` } })),
      ),
    );
    expect((await findProject(db, record.id))?.statusVersion).toBe(record.statusVersion + 11);
  });

  it('lose no change of concurrent writers', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const { record } = await addProject(db, { ownerId: owner.id, name: 'counted' });
    await Promise.all(
      Array.from({ length: 20 }, () =>
        changeProject(db, { id: record.id }, ({ description }) => ({
          patch: { description: `${description}+` },
          event: { kind: 'updated', actorId: owner.id, message: `The version after "${description}".` },
        })),
      ),
    );
    expect((await findProject(db, record.id))?.description).toBe('+'.repeat(20));
    const written = await listProjectEvents(db, { projectId: record.id, beforeId: null, limit: 50 });
    expect(written.map(({ message }) => message).toReversed()).toEqual(
      Array.from({ length: 20 }, (_, index) => `The version after "${'+'.repeat(index)}".`),
    );
  });

  it('have each finished start written once, however often it is reported', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const { record } = await addProject(db, { ownerId: owner.id, name: 'started' });
    const start = {
      generation: 1,
      startedAt: '2026-01-01T12:00:00.000Z',
      readyAt: '2026-01-01T12:00:04.000Z',
      stepsMs: { images: 3_000 },
    };
    const write = async (message: string, startedAt: string) =>
      (await changeProject(db, { id: record.id }, () => ({ patch: { message }, start: { ...start, startedAt } })))
        ?.newStart;
    expect(await write('first', start.startedAt)).toEqual(start);
    expect(await write('again', start.startedAt)).toBeNull();
    expect(await write('another', '2026-01-01T12:00:02.000Z')).not.toBeNull();
    expect(await db('project_starts').where({ projectId: record.id }).orderBy('id')).toMatchObject([
      { generation: 1, stepsMs: { images: 3_000 }, readyAt: new Date(start.readyAt) },
      { startedAt: new Date('2026-01-01T12:00:02.000Z') },
    ]);
  });

  it('are paged by name and by creation without missing or repeated projects, also with equal names', async () => {
    const db = await connect();
    const owner = await addUser(db);
    for (const name of ['delta', 'Alpha', 'charlie', 'Bravo', 'echo'])
      await addProject(db, { ownerId: owner.id, name });
    for (const sort of ['createdAt', 'name'] as const) {
      const observed: string[] = [];
      let after: { name: string; seq: number } | null = null;
      for (;;) {
        const rows = await listProjects(db, {
          userId: owner.id,
          limit: 2,
          sort,
          after,
          search: undefined,
          inTrash: false,
          status: undefined,
        });
        const page = rows.slice(0, 2);
        observed.push(...page.map((row) => row.name));
        const last = page.at(-1);
        if (rows.length <= 2 || !last) break;
        after = { name: last.name.toLowerCase(), seq: last.seq };
      }
      expect(observed).toEqual(
        sort === 'name'
          ? ['Alpha', 'Bravo', 'charlie', 'delta', 'echo']
          : ['echo', 'Bravo', 'charlie', 'Alpha', 'delta'],
      );
    }
  });

  it('are found by the sweep while their command is pending, unless it has failed permanently', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const [pending, failedPermanently, observed] = [
      (await addProject(db, { ownerId: owner.id, name: 'pending' })).record,
      (await addProject(db, { ownerId: owner.id, name: 'failed' })).record,
      (await addProject(db, { ownerId: owner.id, name: 'observed' })).record,
    ];
    await changeProject(db, { id: failedPermanently.id }, () => ({ patch: { failedGeneration: 1 } }));
    await changeProject(db, { id: observed.id }, () => ({ patch: { observedGeneration: 1 } }));
    const found = await listPendingProjects(db, { olderThanMs: 0, afterSeq: 0, limit: 10 });
    expect(found.map((record) => record.id)).toEqual([pending.id]);
  });
});

describe('the lease', () => {
  const options = (holder: string, ttlMs = 60_000) => ({ name: watchLeaseName, holder, ttlMs });
  const renewal = { ttlMs: 60_000, reachable: true, observedAt: '2026-01-01T12:00:00.000Z' };

  it('has one holder at a time, and each new holder raises its epoch', async () => {
    const db = await connect();
    const first = await acquireLease(db, options('a'));
    expect(first?.epoch).toBe(1);
    expect(await acquireLease(db, options('b'))).toBeNull();
    if (first) await releaseLease(db, first);
    expect((await acquireLease(db, options('b')))?.epoch).toBe(2);
  });

  it('passes to the next holder when it expires, and then cannot be renewed', async () => {
    const db = await connect();
    const first = await acquireLease(db, options('a', -1_000));
    const second = await acquireLease(db, options('b'));
    expect(second?.epoch).toBe(2);
    expect(first && (await renewLease(db, first, renewal))).toBe(false);
    expect(second && (await renewLease(db, second, renewal))).toBe(true);
  });

  it('has the last observation of its current holder, and none of a previous or expired holder', async () => {
    const db = await connect();
    expect(await readWatchObservation(db)).toBeNull();
    const first = await acquireLease(db, options('a'));
    expect(await readWatchObservation(db)).toEqual({ reachable: null, observedAt: null });
    if (first) await renewLease(db, first, renewal);
    expect(await readWatchObservation(db)).toEqual({ reachable: true, observedAt: renewal.observedAt });
    if (first) await releaseLease(db, first);
    expect(await readWatchObservation(db)).toBeNull();
    await acquireLease(db, options('b'));
    expect(await readWatchObservation(db)).toEqual({ reachable: null, observedAt: renewal.observedAt });
  });

  it('prevents the writes of a previous holder', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const { record } = await addProject(db, { ownerId: owner.id, name: 'fenced' });
    const old = await acquireLease(db, options('a', -1_000));
    const fresh = await acquireLease(db, options('b'));
    const write = (epoch: number, message: string) =>
      changeProject(db, { id: record.id, fence: { lease: watchLeaseName, epoch } }, () => ({
        patch: { message },
        event: { kind: 'status-changed', actorId: null, message },
      }));
    expect(await write(old?.epoch ?? 0, 'from the old holder')).toBeNull();
    expect(await write(fresh?.epoch ?? 0, 'from the new holder')).toMatchObject({ changed: true });
    expect((await findProject(db, record.id))?.message).toBe('from the new holder');
    const written = await listProjectEvents(db, { projectId: record.id, beforeId: null, limit: 50 });
    expect(written.map(({ message }) => message)).toEqual(['from the new holder']);
  });

  it('never lets a write of the previous holder follow a write of the next holder', async () => {
    const db = await connect();
    const owner = await addUser(db);
    const { record } = await addProject(db, { ownerId: owner.id, name: 'thawed' });
    const old = await acquireLease(db, options('a', -1_000));
    const write = (epoch: number, message: string) =>
      changeProject(db, { id: record.id, fence: { lease: watchLeaseName, epoch } }, () => ({ patch: { message } }));
    // The row is locked, so the write of the old holder waits for it, after it has read the lease.
    const holder = await db.transaction();
    await holder('projects').where({ id: record.id }).forUpdate();
    const waiting = write(old?.epoch ?? 0, 'from the old holder');
    await vi.waitFor(async () => {
      const { rows } = await db.raw<{ rows: unknown[] }>(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      expect(rows).not.toEqual([]);
    });
    const fresh = await acquireLease(db, options('b'));
    const next = write(fresh?.epoch ?? 0, 'from the new holder');
    await holder.rollback();
    await Promise.all([waiting, next]);
    expect((await findProject(db, record.id))?.message).toBe('from the new holder');
  });
});
