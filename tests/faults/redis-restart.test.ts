import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import type { DesiredState } from '../../src/shared/contract/states.ts';
import { createRedisSystem, type RedisSystem } from './redis-system.ts';

let system: RedisSystem;

beforeAll(async () => {
  system = await createRedisSystem({ workers: 2 });
});
afterAll(() => system.stop());

/** The last command for each project that the API has acknowledged, as the desired state. */
const acknowledged = new Map<string, DesiredState>();
let sentCount = 0;

/** The commands that the API has not answered yet. */
const unanswered = new Set<Promise<unknown>>();

/** Sends a command that must be acknowledged, or refused because the project is not in the state for it. */
async function send(path: string, body: object, desiredState: DesiredState): Promise<Project | null> {
  const answering = system.call(`projects.${path}`, { body });
  unanswered.add(answering);
  const answer = await answering.finally(() => unanswered.delete(answering));
  if (answer.error?.data['appCode'] === 'ILLEGAL_STATE') return null;
  expect([path, answer.status]).toEqual([path, 200]);
  const project = answer.data as Project; // every command returns the project
  acknowledged.set(project.id, desiredState);
  sentCount += 1;
  return project;
}

/** Creates projects and sends commands until the signal aborts. The projects end in different desired states. */
async function sendCommands(person: number, signal: AbortSignal): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const project = await send('create', { name: `Project ${person} ${count}` }, 'running');
    const commands = (['stop', 'start', 'stop', 'delete'] as const).slice(0, (person + count) % 5);
    for (const command of commands) {
      await delay(100);
      const desired = { stop: 'stopped', start: 'running', delete: 'deleted' } as const satisfies Record<
        typeof command,
        DesiredState
      >;
      await send(command, { id: project?.id }, desired[command]);
    }
    await delay(100);
  }
}

const moreCommands = (count: number) => {
  const goal = sentCount + count;
  return vi.waitFor(() => expect(sentCount).toBeGreaterThanOrEqual(goal), { timeout: 30_000, interval: 20 });
};
const jobsDone = () =>
  Promise.all(
    system.workers.map(async (worker) => {
      const names = ['create-pod', 'delete-pod'];
      const done = await Promise.all(
        names.map((name) => worker.metric('opencode_jobs_total', { name, outcome: 'done' })),
      );
      return done.reduce((sum, each) => sum + each, 0);
    }),
  );

/** Cluster and row match the desired state. */
async function expectConverged(id: string, desired: DesiredState): Promise<void> {
  const { status, desiredState, podName } = await system.read(id);
  const [pods, claims] = await Promise.all([system.podsOf(id), system.claimsOf(id)]);
  const actual = { desiredState, status, pods: pods.map(({ metadata }) => metadata?.name), claims: claims.length };
  expect(actual).toEqual(
    {
      running: { desiredState: 'running', status: 'ready', pods: [podName], claims: 1 },
      stopped: { desiredState: 'stopped', status: 'stopped', pods: [], claims: claims.length },
      deleted: { desiredState: 'deleted', status: 'archived', pods: [], claims: 0 },
    }[desired],
  );
}

describe('fault 3: Redis is killed and restarted', () => {
  it('no acknowledged command is lost, and every worker uses the queue again within 30 s', async () => {
    const stopping = new AbortController();
    const people = Promise.all([1, 2, 3, 4].map((person) => sendCommands(person, stopping.signal)));
    people.catch(() => undefined); // awaited below
    let restartedAt = 0;
    for (let round = 0; round < 2; round += 1) {
      await moreCommands(15);
      await system.redis.kill();
      await moreCommands(15);
      await Promise.all(unanswered); // no answer waits for Redis
      await system.redis.start();
      restartedAt = performance.now();
      const before = await jobsDone();
      await vi.waitFor(
        async () =>
          (await jobsDone()).forEach((done, index) => expect(done).toBeGreaterThan(before[index] ?? Infinity)),
        { timeout: 35_000, interval: 100 },
      );
      expect(performance.now() - restartedAt).toBeLessThan(30_000);
    }
    stopping.abort();
    await people;
    await vi.waitFor(
      async () => {
        for (const [id, desired] of acknowledged) await expectConverged(id, desired);
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(new Set(acknowledged.values())).toEqual(new Set(['running', 'stopped', 'deleted']));
    for (const { output } of [system.server, ...system.workers]) expect(output()).not.toMatch(/MaxListeners|Unhandled/);
  }, 180_000);
});
