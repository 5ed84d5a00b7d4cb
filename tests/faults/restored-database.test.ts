import { describe, expect, vi } from 'vitest';

import type { ProjectEvent } from '../../src/shared/contract/events.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { createClient, type Client } from '../../src/shared/sdk/client.ts';
import { backUpDatabase } from '../support/services.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import type { QuickCluster, WorkerSystem } from '../support/worker-system.ts';
import { it } from '../support/worker-test.ts';

const promisedMs = 10_000;
const often = { timings: { compareIntervalMs: 200 } };

/** What an open page shows of each project: its name, by id. */
function openPage(client: Client) {
  const shown = new Map<string, { name: string; version: number }>();
  const show = (event: ProjectEvent) => {
    if (event.type === 'snapshot') {
      const ids = new Set(event.projects.map(({ id }) => id));
      for (const id of shown.keys()) if (!ids.has(id)) shown.delete(id);
    }
    if (event.type === 'removed') shown.delete(event.project.id);
    const projects = event.type === 'snapshot' ? event.projects : event.type === 'changed' ? [event.project] : [];
    for (const { id, name, statusVersion: version } of projects) {
      if (version > (shown.get(id)?.version ?? 0)) shown.set(id, { name, version });
    }
  };
  const subscription = client.trpc.projects.onChange.subscribe({}, { onData: ({ data }) => show(data) });
  return {
    names: () => [...shown.values()].map(({ name }) => name).toSorted(),
    close: () => subscription.unsubscribe(),
  };
}

/** The names that the SDK's watch of a project yields. */
function watchNames(client: Client, id: string): string[] {
  const names: string[] = [];
  void (async () => {
    for await (const { name } of client.watch(id)) if (names.at(-1) !== name) names.push(name);
  })();
  return names;
}

async function startServer({ places }: WorkerSystem, port = 0): Promise<TestServer> {
  const { databaseUrl, redisUrl } = places;
  return startTestServer({ databaseUrl, redisUrl, env: { PORT: String(port) }, ...often });
}

const namesOf = async (client: Client) => (await client.projects.list()).items.map(({ name }) => name).toSorted();
const claimUids = (system: WorkerSystem, projects: { id: string }[]) =>
  Promise.all(projects.map(({ id }) => system.claimUid(id)));

/** A backup of two ready projects. After it one was restarted and renamed often, one deleted, and one created. */
async function prepare(system: WorkerSystem, client: Client) {
  const kept = await client.projects.create({ name: 'kept' });
  const deleted = await client.projects.create({ name: 'deleted' });
  for (const { id } of [kept, deleted]) await system.until(id, { status: 'ready', observedGeneration: 1 });
  const backup = await backUpDatabase(system.places.databaseUrl);
  const later = await vi.waitFor(() => client.projects.create({ name: 'later' }), promisedMs);
  await system.until(later.id, { status: 'ready', observedGeneration: 1 });
  await client.projects.restart(kept.id);
  const restarted = await system.until(kept.id, { status: 'ready', observedGeneration: 2 });
  for (let number = 1; number <= 10; number++) await client.projects.update({ id: kept.id, name: `lost ${number}` });
  await client.projects.delete(deleted.id);
  await system.until(deleted.id, { status: 'archived' });
  return { backup, kept, deleted, later, restarted };
}

/** The first restart after the restore replaces the pod. */
async function expectRestarts(system: WorkerSystem, client: Client, restarted: ProjectRecord): Promise<void> {
  await vi.waitFor(() => client.projects.restart(restarted.id), promisedMs);
  const { generation } = await system.read(restarted.id);
  const after = await system.until(restarted.id, { status: 'ready', observedGeneration: generation }, promisedMs);
  expect(after.podUid).not.toBe(restarted.podUid);
}

describe('fault 32: the database is restored from an older backup', () => {
  it.for(['run', 'are stopped'] as const)(
    'while servers and workers %s: pages and the SDK show the restored projects, the first restart works, and every volume stays',
    { timeout: 40_000 },
    async (state, { system, onTestFinished }) => {
      let worker = await system.startWorker();
      let server = await startServer(system);
      const client = createClient({ url: server.url, token: await server.mintToken('owner') });
      const page = openPage(client);
      const { backup, kept, deleted, later, restarted } = await prepare(system, client);
      onTestFinished(async () => {
        page.close();
        await client.close();
        await server.stop();
        await backup.drop();
      });
      const watched = watchNames(client, kept.id);
      await vi.waitFor(() => expect(page.names()).toEqual(['later', 'lost 10']), promisedMs);
      await vi.waitFor(() => expect(watched).toEqual(['lost 10']), promisedMs);
      const volumes = await claimUids(system, [kept, later]);

      if (state === 'are stopped') {
        await worker.stop();
        await server.stop();
      }
      await backup.restore();
      if (state === 'are stopped') {
        server = await startServer(system, server.port);
        worker = await system.startWorker();
      }

      await expectRestarts(system, client, restarted);
      await vi.waitFor(() => expect(page.names()).toEqual(['deleted', 'kept']), promisedMs);
      await vi.waitFor(() => expect(watched).toEqual(['lost 10', 'kept']), promisedMs);
      expect(await namesOf(client)).toEqual(['deleted', 'kept']);
      await system.until(deleted.id, { status: 'ready' }, promisedMs);
      expect(await claimUids(system, [kept, later])).toEqual(volumes);
    },
  );

  it('by a copy of its disk, which does not show it: the pods of later generations do, and the first restart works', async ({
    system,
    cluster,
  }) => {
    await system.startWorker({}, { resyncMs: 50 });
    const project = await system.create();
    await system.until(project.id, { status: 'ready', observedGeneration: 1 });
    for (const generation of [2, 3]) {
      await system.command(project.id, 'restart');
      await system.until(project.id, { status: 'ready', observedGeneration: generation });
    }
    const before = await system.until(project.id, { status: 'ready', observedGeneration: 3 });
    await system.untilQueueIsEmpty();
    await system.db('projects').update({ generation: 1, observedGeneration: 1, podGeneration: 1 });
    await vi.waitFor(async () => expect((await system.read(project.id)).generation).toBeGreaterThan(3), promisedMs);
    expect(await podUids(cluster)).toContain(before.podUid);
    const { generation } = await system.command(project.id, 'restart');
    const after = await system.until(project.id, { status: 'ready', observedGeneration: generation }, promisedMs);
    expect(after.podUid).not.toBe(before.podUid);
  });
});

async function podUids({ api }: QuickCluster): Promise<(string | undefined)[]> {
  const { items } = await api.listNamespacedPod({ namespace: 'opencode' });
  return items.map(({ metadata }) => metadata?.uid);
}
