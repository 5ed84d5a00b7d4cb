/** P6: a page of projects at any depth, with many or few projects of others, compared with Fastify, the same SELECT and as many bytes of JSON. */

import { Agent, setGlobalDispatcher } from 'undici';

import { startBareProgram, type BareProgram } from './bare-program.ts';
import { cpuOf, spread, timesOf, type Result, type Scale } from './measure.ts';
import { startWorld, type World } from './world.ts';

const ownProjects = 1_000;
const pageSize = 50;
const concurrency = 5;
/** Alternating, so that other load on the machine affects both. */
const parts = 5;

export async function measureLists({ quick }: Scale): Promise<Result[]> {
  setGlobalDispatcher(new Agent({ connections: 20 }));
  const world = await startWorld();
  const bare = await startBareProgram('bare-server.ts', {
    DATABASE_URL: world.postgres.url,
    REDIS_URL: world.redis.url,
  });
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
      results.push(await measurePage({ world, bare, userId, token, others, samples: quick ? 500 : 3_000 }));
    }
    return results;
  } finally {
    bare.stop();
    await world.stop();
  }
}

interface Measured {
  cpuMs: number;
  times: number[];
}

async function measurePage(options: {
  world: World;
  bare: BareProgram;
  userId: string;
  token: string;
  others: number;
  samples: number;
}): Promise<Result> {
  const { world, bare, userId, token, others, samples } = options;
  const list = async (cursor: string | null) => {
    const input = encodeURIComponent(JSON.stringify({ limit: pageSize, cursor }));
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${world.server.url}/trpc/projects.list?input=${input}`, { headers })).text();
  };
  const cursorIn = (page: string) =>
    (JSON.parse(page) as { result: { data: { nextCursor: string | null } } }).result.data.nextCursor;
  const first = await list(null);
  let last: string | null = null;
  for (let cursor = cursorIn(first); cursor !== null; cursor = cursorIn(await list(cursor))) last = cursor;

  const bytes = Buffer.byteLength(first);
  const select = async () =>
    (
      await fetch(
        `http://127.0.0.1:${bare.port}/projects?owner=${userId}&before=${Number.MAX_SAFE_INTEGER}&bytes=${bytes}`,
      )
    ).text();
  await timesOf(300, concurrency, () => list(null));
  await timesOf(300, concurrency, select);
  const [ours, baseline, deep]: Measured[] = [
    { cpuMs: 0, times: [] },
    { cpuMs: 0, times: [] },
    { cpuMs: 0, times: [] },
  ];
  const measure = async (into: Measured | undefined, pid: number, work: () => Promise<unknown>) => {
    if (!into) return;
    into.cpuMs += await cpuOf([pid], async () => {
      into.times.push(...(await timesOf(Math.round(samples / parts), concurrency, work)));
    });
  };
  for (let part = 0; part < parts; part += 1) {
    await measure(ours, world.server.pid, () => list(null));
    await measure(baseline, bare.pid, select);
    await measure(deep, world.server.pid, () => list(last));
  }
  const cpuOfOne = (measured: Measured | undefined) => (measured ? measured.cpuMs / measured.times.length : Number.NaN);
  const [wall, bareWall, deepWall] = [ours, baseline, deep].map((measured) => spread(measured?.times ?? []));
  return {
    id: 'P6',
    what: `processor time of a page of ${pageSize} of ${ownProjects} own projects, ${others} of others`,
    unit: 'ms',
    ours: cpuOfOne(ours),
    baseline: cpuOfOne(baseline),
    budget: { atMost: 1.5 },
    details: {
      'last page': cpuOfOne(deep),
      'wall p50 ours': wall?.p50 ?? Number.NaN,
      'wall p50 baseline': bareWall?.p50 ?? Number.NaN,
      'wall p99 ours': wall?.p99 ?? Number.NaN,
      'wall p99 baseline': bareWall?.p99 ?? Number.NaN,
      'wall p99 last page': deepWall?.p99 ?? Number.NaN,
      'kB of JSON': bytes / 1_000,
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
