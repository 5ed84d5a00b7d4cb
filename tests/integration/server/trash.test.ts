/** The trash, from the API to the rounds of a worker. What the pod and the volume of a project do is in `tests/model/trash.test.ts`. */

import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { acquireLease, watchLeaseName } from '../../../src/shared/node/db/leases-repository.ts';
import { findProject } from '../../../src/shared/node/db/projects-repository.ts';
import { createRestoredData } from '../../../src/shared/node/db/restored-data.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { noSizeRules } from '../../../src/shared/node/sizes/size-rules.ts';
import { createClient, type Client } from '../../../src/shared/sdk/client.ts';
import { derive } from '../../../src/worker/pods/status/derive.ts';
import { createTrashRounds } from '../../../src/worker/trash/empty-trash.ts';
import { openTestDatabase } from '../../support/open-test-database.ts';
import { createTestDatabase, createTestRedis, type TestDatabase } from '../../support/services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

const day = 86_400;
const roundSeconds = 600;
const log = createLog({ name: 'test', level: 'silent' });

let database: TestDatabase;
let db: ReturnType<typeof openTestDatabase>;
let redisUrl: string;
let server: TestServer;
let client: Client;

beforeAll(async () => {
  redisUrl = (await createTestRedis()).url;
  database = await createTestDatabase();
  db = openTestDatabase(database.url, { poolSize: 4 });
  const env = { TRASH_DAYS: '3', MAX_PROJECTS_PER_USER: '4' };
  server = await startTestServer({ databaseUrl: database.url, redisUrl, env });
});
afterAll(async () => {
  await server.stop();
  await db.destroy();
  await database.drop();
});

/** A person of this test alone. */
async function signIn(to = server): Promise<Client> {
  return createClient({ url: to.url, token: await to.mintToken(randomUUID()) });
}

/** A project in the trash whose pod is gone, as the worker writes it. */
async function createTrashed(name: string): Promise<string> {
  const { id } = await client.projects.create({ name });
  await client.projects.trash(id);
  await settle(id);
  return id;
}

/** Does what a reconcile does with a project that has no pod. */
async function settle(id: string): Promise<void> {
  const record = await findProject(db, id);
  if (!record) throw new Error('The project does not exist.');
  const acknowledged = { ...record, observedGeneration: record.generation };
  const { status, reason, message, nextStep } = derive(
    acknowledged,
    { pod: null, claim: null },
    record.updatedAt,
  ).patch;
  await db('projects')
    .where({ id })
    .update({ observedGeneration: record.generation, status, reason, message, nextStep });
}

const setSeconds = (id: string, trashSeconds: number) => db('projects').where({ id }).update({ trashSeconds });

/** A watch leader, whose rounds are ten minutes apart unless said otherwise. */
async function createLeader({ trashDays = 3, check = () => Promise.resolve(0) } = {}) {
  const lease = await acquireLease(db, { name: watchLeaseName, holder: randomUUID(), ttlMs: 0 });
  if (!lease) throw new Error('Another leader of this test still holds the lease.');
  let runningMs = 0;
  const announced: string[] = [];
  const round = createTrashRounds(
    {
      db,
      restoredData: { check },
      announcer: { announce: (record) => Promise.resolve(void announced.push(record.id)) },
      publisher: { publish: () => Promise.resolve(true) },
      trashDays,
      sizeRules: noSizeRules,
      clock: { now: () => Date.parse('1999-01-01T00:00:00Z'), monotonic: () => runningMs },
      log,
    },
    lease,
  );
  return {
    announced,
    async rounds(count: number, seconds = roundSeconds): Promise<void> {
      for (let index = 0; index < count; index += 1) {
        await round();
        runningMs += seconds * 1_000;
      }
    },
  };
}

describe('a project in the trash', () => {
  it('leaves the list, frees its name, is not started, and is restored with its volume', async () => {
    client = await signIn();
    const { id, workspacePvcName } = await client.projects.create({ name: 'Shop' });
    expect(await client.trpc.projects.trashSettings.query({})).toEqual({ days: 3 });
    const trashed = await client.projects.trash(id);
    expect(trashed).toMatchObject({ desiredState: 'stopped', trashDaysLeft: 3, trashedAt: expect.any(String) });
    await settle(id);
    expect(await client.projects.get(id)).toMatchObject({ status: 'stopped', reason: 'trashed' });
    expect((await client.projects.list()).items).toEqual([]);
    expect((await client.projects.list({ status: 'stopped' })).items).toEqual([]);
    expect((await client.projects.list({ inTrash: true })).items.map((each) => each.id)).toEqual([id]);
    for (const refused of ['start', 'restart'] as const) {
      await expect(client.projects[refused](id)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    }
    await expect(client.projects.update({ id, name: 'Other' })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    await expect(client.tasks.create({ projectId: id, title: 'A' })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    expect(await client.projects.trash(id)).toMatchObject({ trashedAt: trashed.trashedAt });

    await client.projects.create({ name: 'shop' });
    const restored = await client.projects.restore(id);
    expect(restored).toMatchObject({ name: 'Shop 2', trashedAt: null, trashDaysLeft: null, workspacePvcName });
    expect(restored).toMatchObject({ status: 'stopped', reason: 'stopped', desiredState: 'stopped' });
    expect((await client.projects.list()).items).toHaveLength(2);
    const kinds = (await client.projects.activity(id)).items.map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual(['restore-requested', 'trash-requested']);
    expect(await client.projects.start(id)).toMatchObject({ desiredState: 'running' });
    await client.close();
  });

  it('with the longest name is restored beside its namesake', async () => {
    client = await signIn();
    const name = 'n'.repeat(100);
    const id = await createTrashed(name);
    await client.projects.create({ name });
    expect((await client.projects.restore(id)).name).toBe(`${'n'.repeat(98)} 2`);
    await client.close();
  });

  it('counts for the number of projects, and the refusal says so', async () => {
    client = await signIn();
    for (const name of ['A', 'B', 'C']) await client.projects.create({ name });
    const id = await createTrashed('D');
    const refused = client.projects.create({ name: 'E' });
    await expect(refused).rejects.toMatchObject({
      code: 'QUOTA_EXCEEDED',
      message: /4 projects, 1 of them in the trash/,
    });
    expect(await client.projects.delete(id)).toMatchObject({ desiredState: 'deleted', status: 'deleting' });
    await client.projects.create({ name: 'E' });
    await client.close();
  });

  it('is refused where there is no trash, and deleting is final', async () => {
    const env = { TRASH_DAYS: '0' };
    const other = await startTestServer({ databaseUrl: database.url, redisUrl, env });
    const person = await signIn(other);
    const { id } = await person.projects.create({ name: 'Final' });
    await expect(person.projects.trash(id)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(await person.projects.get(id)).toMatchObject({ trashedAt: null, desiredState: 'running' });
    await person.close();
    await other.stop();
  });
});

describe('fault 51: the rounds of a worker', () => {
  it('count the days down, and delete the project after the whole time', async () => {
    client = await signIn();
    const id = await createTrashed('Old');
    const { rounds, announced } = await createLeader();
    await rounds(2);
    expect(await findProject(db, id)).toMatchObject({ trashSeconds: roundSeconds, trashDaysLeft: 3 });
    await setSeconds(id, 1.5 * day);
    await rounds(1);
    expect(await client.projects.get(id)).toMatchObject({ trashDaysLeft: 2 });
    await setSeconds(id, 3 * day - 2 * roundSeconds);
    // The last day begins when people can see it.
    await rounds(1);
    expect(await findProject(db, id)).toMatchObject({ trashSeconds: 2 * day, trashDaysLeft: 1 });
    await setSeconds(id, 3 * day - 2 * roundSeconds);
    await rounds(1);
    expect(await client.projects.get(id)).toMatchObject({ trashDaysLeft: 1, desiredState: 'stopped' });
    await rounds(1);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'deleted', status: 'deleting' });
    expect(announced).toEqual([id]);
    const [line] = (await client.projects.activity(id)).items;
    expect(line).toMatchObject({ kind: 'delete-requested', actor: null, message: /in the trash for 3 days/ });
    await client.close();
  });

  it('add only time that this leader has observed, whatever the clocks say', async () => {
    client = await signIn();
    const id = await createTrashed('Frozen');
    const first = await createLeader();
    await first.rounds(1, 30 * day);
    await first.rounds(1);
    expect((await findProject(db, id))?.trashSeconds).toBe(900);
    const second = await createLeader();
    await second.rounds(1);
    // The first one has lost its lease and does not know it.
    await first.rounds(3);
    expect((await findProject(db, id))?.trashSeconds).toBe(900);
    await second.rounds(1);
    expect((await findProject(db, id))?.trashSeconds).toBe(900 + roundSeconds);
    await client.close();
  });

  it('do not delete a project that its owner restores at the same moment', async () => {
    client = await signIn();
    const id = await createTrashed('Race');
    let checks = 0;
    // The first one of the second round comes before the rows are read, and the next one right before the command.
    const restoreLate = async () => {
      checks += 1;
      if (checks === 3) await client.projects.restore(id);
      return 0;
    };
    const { rounds, announced } = await createLeader({ check: restoreLate });
    await rounds(1);
    await db('projects')
      .where({ id })
      .update({ trashSeconds: 3 * day, trashDaysLeft: 1 });
    await rounds(2);
    expect(checks).toBeGreaterThanOrEqual(3);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'stopped', trashedAt: null });
    expect(announced).toEqual([]);
    await client.close();
  });

  it('begin again after a restore of the database, because the project may have been used since', async () => {
    client = await signIn();
    const id = await createTrashed('From the backup');
    await db('projects')
      .where({ id })
      .update({ trashSeconds: 3 * day, trashDaysLeft: 1 });
    const restoredData = createRestoredData({ db, log });
    await restoredData.check();
    await db('installation').update({ dataId: 'another database' });
    const before = await createLeader({ check: () => restoredData.check() });
    await before.rounds(1);
    // It must not write any more, so another one takes over.
    const { rounds } = await createLeader();
    await rounds(2);
    expect(await findProject(db, id)).toMatchObject({
      desiredState: 'stopped',
      trashSeconds: roundSeconds,
      trashDaysLeft: 3,
    });
    await client.close();
  });

  it('delete nothing where the trash was abolished', async () => {
    client = await signIn();
    const id = await createTrashed('Kept');
    await db('projects')
      .where({ id })
      .update({ trashSeconds: 30 * day, trashDaysLeft: 1 });
    const { rounds } = await createLeader({ trashDays: 0 });
    await rounds(2);
    expect(await client.projects.get(id)).toMatchObject({ desiredState: 'stopped', trashDaysLeft: null });
    await client.close();
  });
});
