import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createDatabase, type Database } from '../../src/shared/node/db/database.ts';
import { listPendingProjects, listUnarchivedPage, listVersions } from '../../src/shared/node/db/projects-repository.ts';
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
