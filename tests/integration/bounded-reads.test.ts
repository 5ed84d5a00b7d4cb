import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';
import {
  listPendingProjects,
  listProjects,
  listUnarchivedPage,
  listUnarchivedProjects,
  listVersions,
} from '../../src/shared/node/db/projects-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { createTestDatabase, type TestDatabase } from '../support/services.ts';
import { testIssuer } from '../support/test-issuer.ts';

let database: TestDatabase;
let db: Database;
let ownerId: string;

/** One owner with 3 live projects, 2 that were archived just now, and 5,000 that were archived long ago. */
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase(database.url);
  ownerId = (await upsertUser(db, { issuer: testIssuer, subject: 'owner', email: null, name: 'Owner', picture: null }))
    .id;
  await db.raw(
    `insert into projects (id, owner_id, name, namespace, pod_name, workspace_pvc_name, status, desired_state, deleted_at,
       observed_generation)
     select gen_random_uuid(), ?, 'p' || i, 'opencode', 'pod-' || i, 'claim-' || i,
       case when i <= 3 then 'ready' else 'archived' end, case when i <= 3 then 'running' else 'deleted' end,
       case when i > 5 then now() - interval '10 days' when i > 3 then now() end, 1
     from generate_series(1, 5005) i`,
    [ownerId],
  );
  await db.raw('analyze projects');
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

/** The number of rows that PostgreSQL reads for the statement of `read`, including rows that it filters out. */
async function rowsTouched(read: () => Promise<unknown>): Promise<number> {
  const sent = Promise.withResolvers<Knex.Sql>();
  db.once('query', (statement: Knex.Sql) => sent.resolve(statement));
  await read();
  const { sql, bindings } = await sent.promise;
  const { rows } = await db.raw<{ rows: Record<string, [{ Plan: Plan }]>[] }>(
    `explain (analyze, format json) ${sql.replaceAll(/\$\d+/g, '?')}`,
    [...bindings],
  );
  const plan = Object.values(rows[0] ?? {})[0]?.[0].Plan;
  if (!plan) throw new Error('PostgreSQL has not explained the statement.');
  return touchedBy(plan);
}

interface Plan {
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

function touchedBy(plan: Plan): number {
  const loops = plan['Actual Loops'] ?? 0;
  const own = ((plan['Actual Rows'] ?? 0) + (plan['Rows Removed by Filter'] ?? 0)) * loops;
  return own + (plan.Plans ?? []).reduce((sum, each) => sum + touchedBy(each), 0);
}

describe('the cost of repeated reads does not grow with deleted projects:', () => {
  it('the comparison of versions finds live projects and those that were archived within an hour', async () => {
    const versions = await listVersions(db, [ownerId]);
    expect(versions.filter(({ isHidden }) => !isHidden)).toHaveLength(3);
    expect(versions.filter(({ isHidden }) => isHidden)).toHaveLength(2);
    const touched = await rowsTouched(() => listVersions(db, [ownerId]));
    expect(touched).toBeGreaterThanOrEqual(versions.length);
    expect(touched).toBeLessThan(50);
  });

  it('the pages of the resync read only unarchived projects', async () => {
    expect(await listUnarchivedPage(db, { afterSeq: 0, limit: 500 })).toHaveLength(3);
    expect(await rowsTouched(() => listUnarchivedPage(db, { afterSeq: 0, limit: 500 }))).toBeLessThan(50);
  });

  it('the sweep reads only pending projects', async () => {
    const options = { olderThanMs: 0, afterSeq: 0, limit: 500 };
    expect(await listPendingProjects(db, options)).toEqual([]);
    expect(await rowsTouched(() => listPendingProjects(db, options))).toBeLessThan(50);
  });
});

describe('the cost of lists does not grow with the projects of others:', () => {
  let personId: string;

  /** A person with 1,000 projects and 5 that are shared with them, among 100,000 of others. */
  beforeAll(async () => {
    const person = await upsertUser(db, {
      issuer: testIssuer,
      subject: 'person',
      email: null,
      name: 'Person',
      picture: null,
    });
    personId = person.id;
    await db.raw(
      `insert into users (oidc_issuer, oidc_subject, name) select ?, 'other-' || i, 'Other' from generate_series(1, 100) i`,
      [testIssuer],
    );
    // In parts, because one statement may take only seconds.
    for (let from = 1; from <= 1_000; from += 50) {
      await db.raw(
        `insert into projects (id, owner_id, name, namespace, pod_name, workspace_pvc_name, status, desired_state, observed_generation)
         select gen_random_uuid(), users.id, 'p' || i, 'opencode', 'pod-' || users.id || i, 'claim-' || users.id || i, 'ready', 'running', 1
         from users, generate_series(?::int, ?::int) i where users.name in ('Other', 'Person')`,
        [from, from + 49],
      );
    }
    await db.raw(
      `insert into project_members (project_id, user_id, role)
       select id, ?, 'viewer' from projects where name = 'p7' and owner_id <> ? and deleted_at is null limit 5`,
      [personId, personId],
    );
    await db.raw('analyze projects');
    await db.raw('analyze project_members');
  }, 60_000);

  const query = { limit: 50, search: undefined, status: undefined, inTrash: false };

  it.each(['createdAt', 'name'] as const)('a page by %s, the first one and a later one', async (sort) => {
    for (const after of [null, { name: 'p5', seq: 60_000 }]) {
      const page = () => listProjects(db, { ...query, userId: personId, sort, after });
      expect((await page()).length).toBe(51);
      expect(await rowsTouched(page)).toBeLessThan(3_000);
    }
  });

  it('the snapshot of a subscription', async () => {
    expect(await listUnarchivedProjects(db, personId)).toHaveLength(1_005);
    expect(await rowsTouched(() => listUnarchivedProjects(db, personId))).toBeLessThan(5_000);
  });

  it('the comparison of versions', async () => {
    expect(await listVersions(db, [personId])).toHaveLength(1_005);
    expect(await rowsTouched(() => listVersions(db, [personId]))).toBeLessThan(5_000);
  });
});
