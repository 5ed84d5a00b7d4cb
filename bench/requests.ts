/** P4: requests to Kubernetes in the life of a project, and while nothing happens. */

import { setTimeout as delay } from 'node:timers/promises';

import { createClient } from '../src/shared/sdk/client.ts';
import { timesOf, type Result, type Scale } from './measure.ts';
import { seedRunning, untilAllReady } from './seeded.ts';
import { signInAll, startWorld } from './world.ts';

export async function measureRequests(scale: Scale): Promise<Result[]> {
  return [await measureLives(scale), await measureIdleness(scale)];
}

async function measureLives({ quick }: Scale): Promise<Result> {
  const count = quick ? 5 : 100;
  const world = await startWorld({ viaProxy: true });
  try {
    const { token } = await world.signIn('life');
    await world.startWorker();
    const client = createClient({ url: world.server.url, token });
    const { requests } = world.kubernetes;
    // Watches, lists and health checks of the cluster are not counted.
    const ofProjects = () =>
      requests.filter(({ path }) => /\/(?:pods|persistentvolumeclaims|secrets)(?:\/|$)/.test(path));
    const isOwn = ({ method, path, isWatch }: (typeof requests)[number]) =>
      !isWatch && !(method === 'GET' && /\/(?:pods|persistentvolumeclaims)$/.test(path));
    await timesOf(count, 10, async (index) => {
      const { id } = await client.projects.create({ name: `life ${index}` });
      await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 60_000 });
    });
    const { items } = await client.projects.list({ limit: 100 });
    const all = [...items];
    for (let { nextCursor: cursor } = await client.projects.list({ limit: 100 }); cursor !== null;) {
      const page = await client.projects.list({ limit: 100, cursor });
      all.push(...page.items);
      cursor = page.nextCursor;
    }
    await timesOf(all.length, 10, async (index) => {
      const { id } = all[index] ?? { id: '' };
      await client.projects.delete(id);
      await client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 60_000 });
    });
    await client.close();
    return {
      id: 'P4a',
      what: 'requests to Kubernetes in a life: create, ready, delete, gone',
      unit: 'requests',
      ours: ofProjects().filter(isOwn).length / count,
      baseline: null,
      budget: { atMost: 8 },
      details: { lives: count },
    };
  } finally {
    await world.stop();
  }
}

/** The starts of watches and the lists of a resync are counted too. */
async function measureIdleness({ quick, size }: Scale): Promise<Result> {
  const seconds = quick ? 3 : 60;
  const viewers = Math.min(size, 1_000);
  const world = await startWorld({ viaProxy: true, hasKubelet: false });
  try {
    const people = await signInAll(world, viewers);
    await seedRunning(
      world,
      people.map(({ userId }) => userId),
      size,
    );
    await world.startWorker();
    await untilAllReady(world);
    const clients = people.map(({ token }) => createClient({ url: world.server.url, token }));
    for (const client of clients) {
      void (async () => {
        for await (const project of client.watch()) void project;
      })();
    }
    while ((await world.server.metric('opencode_subscriptions')) < viewers) await delay(100);
    const before = world.kubernetes.requests.length;
    await delay(seconds * 1_000);
    const requests = world.kubernetes.requests.length - before;
    for (const client of clients) await client.close();
    return {
      id: 'P4b',
      what: `requests to Kubernetes in ${seconds} idle seconds, ${size} pods and ${viewers} viewers`,
      unit: 'requests',
      ours: requests,
      baseline: null,
      budget: { atMost: 0 },
      details: {},
    };
  } finally {
    await world.stop();
  }
}
