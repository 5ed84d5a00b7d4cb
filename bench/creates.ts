/** P2: the cost of tRPC, sign-in, validation and announcement of a create, compared with only its INSERT and its job. */

import { randomUUID } from 'node:crypto';

import { appendProjectEvent } from '../src/shared/node/db/project-events-repository.ts';
import { insertProject } from '../src/shared/node/db/projects-repository.ts';
import { createLog } from '../src/shared/node/log.ts';
import { createProjectQueue } from '../src/shared/node/project-queue.ts';
import { createRedis } from '../src/shared/node/redis.ts';
import { createClient } from '../src/shared/sdk/client.ts';
import { spread, timesOf, type Result, type Scale } from './measure.ts';
import { signInAll, startWorld } from './world.ts';

const concurrency = 50;

export async function measureCreates({ quick }: Scale): Promise<Result> {
  const world = await startWorld();
  try {
    const count = quick ? 300 : 3_000;
    // One person for each lane, because the lock of the quota makes the creates of one person wait for each other.
    const people = await signInAll(world, concurrency);
    const clients = people.map(({ token }) => createClient({ url: world.server.url, token }));
    const log = createLog({ name: 'bench', level: 'silent' });
    const redis = createRedis(world.redis.url, { purpose: 'producer', log });
    const queue = createProjectQueue({ redis, log });

    const bare = async (index: number): Promise<void> => {
      const id = randomUUID();
      const ownerId = people[index % concurrency]?.userId ?? '';
      await world.db.transaction(async (trx) => {
        const names = { podName: `project-${id}`, workspacePvcName: `workspace-${id}` };
        const facts = {
          name: `bare ${index}`,
          description: '',
          repoUrl: null,
          namespace: 'opencode',
          idempotencyKey: null,
        };
        await insertProject(trx, { id, ownerId, ...facts, ...names }, { maxProjects: 100_000 });
        await appendProjectEvent(trx, { projectId: id, kind: 'created', actorId: ownerId, message: 'Created.' });
      });
      await queue.enqueue('create-pod', { projectId: id });
    };
    const full = async (index: number): Promise<void> => {
      await clients[index % concurrency]?.projects.create({ name: `full ${index}` });
    };
    const warmUp = concurrency * 4;
    await timesOf(warmUp, concurrency, (index) => bare(2_000_000 + index));
    await timesOf(warmUp, concurrency, (index) => full(1_000_000 + index));
    // Alternating, so that other load on the machine affects both.
    const times = { bare: [] as number[], full: [] as number[] };
    const parts = 5;
    for (let part = 0; part < parts; part += 1) {
      const size = Math.round(count / parts);
      times.bare.push(...(await timesOf(size, concurrency, (index) => bare(part * size + index))));
      times.full.push(...(await timesOf(size, concurrency, (index) => full(part * size + index))));
    }
    for (const client of clients) await client.close();
    await queue.close();
    redis.disconnect();
    const [ours, baseline] = [spread(times.full), spread(times.bare)];
    return {
      id: 'P2',
      what: '`projects.create`, p99 at 50 at once',
      unit: 'ms',
      ours: ours.p99,
      baseline: baseline.p99,
      budget: { atMost: 2 },
      details: { 'p50 ours': ours.p50, 'p50 baseline': baseline.p50, samples: ours.samples },
    };
  } finally {
    await world.stop();
  }
}
