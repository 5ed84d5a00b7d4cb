/** P6: a page of projects at any depth, with many or few projects of others, compared with only the same SELECT. */

import pg from 'pg';
import { Agent, setGlobalDispatcher } from 'undici';

import { spread, timesOf, type Result, type Scale } from './measure.ts';
import { startWorld, type World } from './world.ts';

const ownProjects = 1_000;
const pageSize = 50;

export async function measureLists({ quick }: Scale): Promise<Result[]> {
  setGlobalDispatcher(new Agent({ connections: 20 }));
  const world = await startWorld();
  try {
    const { userId, token } = await world.signIn('lister');
    const other = await world.signIn('others');
    await seed(world, userId, ownProjects);
    const results: Result[] = [];
    let others = 0;
    for (const total of [100, quick ? 10_000 : 100_000]) {
      await seed(world, other.userId, total - others);
      others = total;
      await world.db.raw('analyze projects');
      results.push(await measurePage({ world, userId, token, others, samples: quick ? 100 : 1_000 }));
    }
    return results;
  } finally {
    await world.stop();
  }
}

async function measurePage(options: {
  world: World;
  userId: string;
  token: string;
  others: number;
  samples: number;
}): Promise<Result> {
  const { world, userId, token, others, samples } = options;
  const list = async (cursor: string | null) => {
    const input = encodeURIComponent(JSON.stringify({ limit: pageSize, cursor }));
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${world.server.url}/trpc/projects.list?input=${input}`, { headers });
    return ((await answer.json()) as { result: { data: { nextCursor: string | null } } }).result.data.nextCursor;
  };
  let last: string | null = null;
  for (let cursor = await list(null); cursor !== null; cursor = await list(cursor)) last = cursor;

  const pool = new pg.Pool({ connectionString: world.postgres.url, max: 10 });
  const select = (before: number) =>
    pool.query(
      `select * from projects where owner_id = $1 and deleted_at is null and seq < $2 order by seq desc limit ${pageSize + 1}`,
      [userId, before],
    );
  const { rows } = await pool.query<{ seq: string }>('select seq from projects where owner_id = $1 order by seq', [
    userId,
  ]);
  const end = Number(rows[pageSize]?.seq);
  const concurrency = 5;
  await timesOf(100, concurrency, () => list(null));
  await timesOf(100, concurrency, () => select(Number.MAX_SAFE_INTEGER));
  const first = spread(await timesOf(samples, concurrency, () => list(null)));
  const bareFirst = spread(await timesOf(samples, concurrency, () => select(Number.MAX_SAFE_INTEGER)));
  const deep = spread(await timesOf(samples, concurrency, () => list(last)));
  const empty = spread(
    await timesOf(samples, concurrency, async () => (await fetch(`${world.server.url}/livez`)).text()),
  );
  const bareDeep = spread(await timesOf(samples, concurrency, () => select(end)));
  await pool.end();
  return {
    id: 'P6',
    what: `first page of ${ownProjects} own projects, ${others} of others, p99`,
    unit: 'ms',
    ours: first.p99,
    baseline: bareFirst.p99,
    budget: { atMost: 2 },
    details: {
      'p50 ours': first.p50,
      'p50 baseline': bareFirst.p50,
      'p50 of /livez': empty.p50,
      'last page p99 ours': deep.p99,
      'last page p99 baseline': bareDeep.p99,
    },
  };
}

/** Inserts rows directly, because only reading is measured. */
async function seed(world: World, ownerId: string, count: number): Promise<void> {
  const atOnce = 5_000; // more would exceed the statement timeout
  for (let left = count; left > 0; left -= atOnce) await insertRows(world, ownerId, Math.min(left, atOnce));
}

async function insertRows(world: World, ownerId: string, count: number): Promise<void> {
  await world.db.raw(
    `insert into projects (id, owner_id, name, description, namespace, pod_name, workspace_pvc_name, status, desired_state)
     select gen_random_uuid(), ?, 'seed ' || ? || ' ' || i, 'A project that is only listed.', 'opencode',
            'project-' || gen_random_uuid(), 'workspace-' || gen_random_uuid(), 'ready', 'running'
     from generate_series(1, ?) i`,
    [ownerId, Math.random().toString(36).slice(2), count],
  );
}
