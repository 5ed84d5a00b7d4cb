import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { noUsage } from '../../src/shared/contract/tasks.ts';
import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';
import { findProject, insertProject } from '../../src/shared/node/db/projects-repository.ts';
import {
  createRestoredData,
  raisedGenerations,
  raisedVersions,
  type RestoredData,
} from '../../src/shared/node/db/restored-data.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createLog } from '../../src/shared/node/log.ts';
import { createTestDatabase, runAsAdmin, type TestDatabase } from '../support/services.ts';
import { testIssuer } from '../support/test-issuer.ts';

const log = createLog({ name: 'test', level: 'silent' });
let database: TestDatabase;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  await createRestoredData({ db, log }).check();
});

async function addProject(numbers: object): Promise<string> {
  const owner = await upsertUser(db, {
    issuer: testIssuer,
    subject: 'owner',
    email: null,
    name: 'Owner',
    picture: null,
  });
  const id = randomUUID();
  const project = {
    id,
    ownerId: owner.id,
    idempotencyKey: null,
    name: id,
    description: '',
    repoUrl: null,
    namespace: 'opencode',
    podName: `project-${id}-0`,
    workspacePvcName: `workspace-${id}`,
  };
  await db.transaction((trx) => insertProject(trx, project, { maxProjects: 100 }));
  await db('projects').where({ id }).update(numbers);
  return id;
}

/** As if the rows came from another database. */
const restore = () => db('installation').update({ dataId: 'another' });

describe('data that was restored from a backup', () => {
  it('has all its numbers raised once, however many processes notice it', async () => {
    const id = await addProject({
      statusVersion: 7,
      generation: 4,
      observedGeneration: 4,
      podGeneration: 2,
      attempt: 9,
    });
    const before = await createRestoredData({ db, log }).check();
    await restore();
    const processes: RestoredData[] = Array.from({ length: 4 }, () => createRestoredData({ db, log }));
    await Promise.all(processes.map((each) => each.check()));
    for (const each of processes) expect(await each.check()).toBe(before + 1);
    expect(await findProject(db, id)).toMatchObject({
      statusVersion: 7 + raisedVersions,
      generation: 4 + raisedGenerations,
      observedGeneration: 4 + raisedGenerations,
      failedGeneration: null,
      // The pod that runs stays.
      podGeneration: 2,
      attempt: 9 + raisedGenerations,
    });
  });

  it('keeps a pending restart pending, and its pod outdated', async () => {
    const id = await addProject({ generation: 4, observedGeneration: 3, podGeneration: 4, failedGeneration: 4 });
    await restore();
    await createRestoredData({ db, log }).check();
    expect(await findProject(db, id)).toMatchObject({
      generation: 4 + raisedGenerations,
      observedGeneration: 3 + raisedGenerations,
      podGeneration: 4 + raisedGenerations,
      failedGeneration: 4 + raisedGenerations,
    });
  });

  it('has the versions of its tasks and runs raised, and no earlier runner may write', async () => {
    const projectId = await addProject({ generation: 1 });
    const tasks = Array.from({ length: 3 }, () => ({ id: randomUUID(), projectId, title: 'a task', position: 'a' }));
    await db('tasks').insert(tasks.map((task, index) => ({ ...task, version: index + 1 })));
    const taskId = tasks[0]?.id ?? '';
    const run = { taskId, projectId, idempotencyKey: 'key', prompt: 'text', message: 'queued', usage: noUsage };
    const numbers = { version: 5, attempt: 3, unfinishedAttempts: 2 };
    await db('runs').insert({ ...run, ...numbers, id: randomUUID() });
    await restore();
    await createRestoredData({ db, log }).check();
    const versions = await db('tasks').where({ projectId }).orderBy('version').pluck('version');
    expect(versions.map(Number)).toEqual([1, 2, 3].map((version) => version + raisedVersions));
    const raised = await db('runs').where({ projectId }).first();
    expect({ ...raised, version: Number(raised.version) }).toMatchObject({
      version: 5 + raisedVersions,
      attempt: 3 + raisedGenerations,
      unfinishedAttempts: 0,
    });
  });

  it('is raised on proof, but not by a process that has not noticed the last restore yet', async () => {
    const [one, other] = [createRestoredData({ db, log }), createRestoredData({ db, log })];
    const before = await one.check();
    await other.check();
    await one.assume('a test');
    await other.assume('the same proof');
    expect(await other.check()).toBe(before + 1);
  });
});

describe('data that was not restored', () => {
  it('stays as it is', async () => {
    const id = await addProject({ statusVersion: 7 });
    const row = await findProject(db, id);
    await createRestoredData({ db, log }).check();
    expect(await findProject(db, id)).toEqual(row);
  });

  it('is also recognised by an ordinary role, which may not ask for the identity of the server', async () => {
    const role = `ordinary_${new URL(database.url).pathname.slice(1)}`;
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'of-the-test'];
    await runAsAdmin(
      database.url,
      `create role ${role} login password 'of-the-test';
       grant all on all tables in schema public to ${role};
       revoke execute on function pg_control_system() from public;`,
    );
    const ordinary = createDatabase(url.href);
    try {
      const restoredData = createRestoredData({ db: ordinary, log });
      await ordinary('installation').update({ dataId: null });
      const before = await restoredData.check();
      expect(await restoredData.check()).toBe(before);
      await restore();
      expect(await restoredData.check()).toBe(before + 1);
    } finally {
      await ordinary.destroy();
      await runAsAdmin(database.url, `drop owned by ${role}; drop role ${role}`);
    }
  });
});
