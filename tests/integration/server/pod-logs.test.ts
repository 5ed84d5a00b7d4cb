/** Container logs from the embedded Kubernetes through a real worker, Redis and server to a client. */

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import type { LogContainer, LogEvent, LogLine } from '../../../src/shared/contract/pod-logs.ts';
import type { Project } from '../../../src/shared/contract/project.ts';
import { createClient, readAppError, type Client } from '../../../src/shared/sdk/client.ts';
import type { Worker } from '../../../src/worker/worker.ts';
import { refusal } from '../../support/kubernetes-refusal.ts';
import { createOwnRedis, type OwnRedis } from '../../support/own-services.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';
import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../../support/worker-system.ts';

let cluster: QuickCluster;
let redis: OwnRedis;
let system: WorkerSystem;
let server: TestServer;
let worker: Worker;
let client: Client;
let ready: Project;

beforeAll(async () => {
  [cluster, redis] = await Promise.all([startQuickCluster(), createOwnRedis()]);
  system = await createWorkerSystem(cluster, { redis });
  [server, worker] = await Promise.all([startTestServer(system.places), system.startWorker()]);
  client = await clientOf('owner-of-logs');
  ready = await start('Ready', ({ status }) => status === 'ready');
});
afterAll(async () => {
  await client.close();
  await server.stop();
  await system.stop();
  await Promise.all([cluster.stop(), redis.stop()]);
});

const clientOf = async (user: string) => createClient({ url: server.url, token: await server.mintToken(user) });

async function start(name: string, until: (project: Project) => boolean, scenario?: string): Promise<Project> {
  const repoUrl = scenario === undefined ? null : `https://scenarios.example/${scenario}`;
  const { id } = await client.projects.create({ name, repoUrl });
  return client.waitFor(id, until, { timeoutMs: 15_000 });
}

const isLogRequest = ({ path }: { path: string }) => path.endsWith('/log');

/** Follows a log until the test ends. */
function follow(id: string, container: LogContainer = 'opencode-server') {
  const events: LogEvent[] = [];
  const ended = Promise.withResolvers<unknown>();
  const subscription = client.trpc.projects.followLogs.subscribe(
    { id, container },
    {
      onData: (event) => events.push(event),
      onError: (error) => ended.resolve(error.message),
      onComplete: () => ended.resolve('complete'),
    },
  );
  onTestFinished(() => subscription.unsubscribe());
  const lines = (): LogLine[] => events.flatMap((event) => (event.type === 'waiting' ? [] : event.lines));
  return { events, lines, ended: ended.promise };
}

describe('the log of a container', () => {
  it('has the newest lines with their times, the oldest line first', async () => {
    const { lines, truncated, message } = await client.projects.logs({ id: ready.id, container: 'file-browser' });
    expect(lines.map(({ text }) => text)).toEqual(
      expect.arrayContaining([expect.stringContaining('as file-browser'), 'listening on 0.0.0.0:3001']),
    );
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted());
    expect(Date.parse(lines[0]?.at ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect({ truncated, message }).toEqual({ truncated: false, message: null });
  });

  it('ends with the newest line and says that it is truncated when fewer lines are requested', async () => {
    const all = await client.projects.logs({ id: ready.id, container: 'session-proxy' });
    const two = await client.projects.logs({ id: ready.id, container: 'session-proxy', tailLines: 2 });
    expect(two.truncated).toBe(true);
    expect(two.lines).toHaveLength(2);
    expect(all.lines).toContainEqual(two.lines[0]);
  });

  it('has the previous run of a container that has crashed, and none of a container that has not', async () => {
    const crashed = ({ containers }: Project) => containers.some(({ restarts }) => restarts > 0);
    const { id } = await start('Crashing', crashed, 'crash');
    const { lines } = await client.projects.logs({ id, container: 'opencode-server', previous: true });
    expect(lines.at(-1)?.text).toBe('error: opencode-server stopped with exit code 1');
    const none = await client.projects.logs({ id: ready.id, container: 'opencode-server', previous: true });
    expect(none.lines).toEqual([]);
  });

  it('is empty with a sentence while the container has not started', async () => {
    const { id } = await start('Pulling', ({ containers }) => containers.length > 0, 'slow-pull');
    expect(await client.projects.logs({ id, container: 'opencode-server' })).toEqual({
      lines: [],
      truncated: false,
      message: 'The container opencode-server has not started yet. Its log appears when it starts.',
    });
  });

  it('is empty with a sentence while the project is stopped', async () => {
    const { id } = await start('Stopped', ({ status }) => status === 'ready');
    await client.projects.stop(id);
    await client.waitFor(id, ({ status }) => status === 'stopped');
    expect(await client.projects.logs({ id, container: 'opencode-server' })).toMatchObject({
      lines: [],
      message: expect.stringContaining('Start the project to see their logs.'),
    });
  });

  it('does not exist for another user, read or followed, like that of an unknown project', async () => {
    const stranger = await clientOf('stranger');
    onTestFinished(() => stranger.close());
    for (const id of [ready.id, crypto.randomUUID()]) {
      await expect(stranger.projects.logs({ id, container: 'opencode-server' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      const refused = new Promise((resolve) => {
        const onError = (error: unknown) => resolve(readAppError(error)?.code);
        stranger.trpc.projects.followLogs.subscribe({ id, container: 'opencode-server' }, { onError });
      });
      expect(await refused).toBe('NOT_FOUND');
    }
  });

  it('is explained in our own words when the cluster refuses it', async () => {
    onTestFinished(() => system.kubernetes.heal());
    system.kubernetes.fault = (request) =>
      isLogRequest(request) ? refusal(403, 'Forbidden', 'pods "project-of-another" is forbidden') : undefined;
    const { lines, message } = await client.projects.logs({ id: ready.id, container: 'opencode-server' });
    expect(lines).toEqual([]);
    expect(message).toBe(
      'The worker may not read logs in the cluster. An administrator must give it the verb "get" on "pods/log".',
    );
  });
});

describe('a follower of a log', () => {
  it('is sent the newest lines, then each new line once and in order', async () => {
    const { events, lines } = follow(ready.id);
    await vi.waitFor(() => expect(events[0]?.type).toBe('snapshot'), 10_000);
    const before = lines().length;
    // A ready container writes a line every ten seconds.
    await vi.waitFor(() => expect(lines().length).toBeGreaterThan(before), { timeout: 15_000, interval: 100 });
    expect(events.map(({ type }) => type)).toEqual(['snapshot', 'lines']);
    const now = await client.projects.logs({ id: ready.id, container: 'opencode-server' });
    expect(now.lines.slice(0, lines().length)).toEqual(lines());
  });

  it('waits with a sentence for a pod that does not exist yet, and is then sent its first lines', async () => {
    await system.jobs.pause();
    onTestFinished(() => system.jobs.resume());
    const { id } = await client.projects.create({ name: 'Followed from the start' });
    const { events, lines } = follow(id);
    await vi.waitFor(
      () => expect(events).toEqual([{ type: 'waiting', message: expect.stringContaining('has no pod yet') }]),
      10_000,
    );
    await system.jobs.resume();
    await vi.waitFor(() => expect(lines()[1]?.text).toContain('as opencode-server'), 10_000);
    expect(events.filter(({ type }) => type === 'snapshot')).toHaveLength(1);
  });

  it('reaches the end of its subscription when the pod was replaced', async () => {
    const { id } = await start('Restarted', ({ status }) => status === 'ready');
    const { events, ended } = follow(id);
    await vi.waitFor(() => expect(events).not.toEqual([]), 10_000);
    await client.projects.restart(id);
    expect(await ended).toBe('complete');
  });
});

describe('during an outage', () => {
  it('of all workers a log is refused with 503 and a sentence within six seconds, and followers wait', async () => {
    const { events } = follow(ready.id);
    await vi.waitFor(() => expect(events[0]?.type).toBe('snapshot'), 10_000);
    await worker.stop();
    const startedAt = performance.now();
    await expect(client.projects.logs({ id: ready.id, container: 'opencode-server' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The log could not be read, because no worker answers. Try again in a few seconds.',
    });
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    await vi.waitFor(() => expect(events.at(-1)?.type).toBe('waiting'), 10_000);
    const requests = () => system.kubernetes.requests.filter(isLogRequest).length;
    const before = requests();
    worker = await system.startWorker();
    await vi.waitFor(() => expect(events.at(-1)?.type).toBe('lines'), 10_000);
    expect(requests() - before).toBeLessThan(4); // the worker answers none of the requests that nobody waits for
  }, 40_000);

  it('of Redis a log is refused at once, and can be read again after the restart of Redis', async () => {
    await redis.kill();
    await vi.waitFor(
      () =>
        expect(client.projects.logs({ id: ready.id, container: 'opencode-server' })).rejects.toMatchObject({
          code: 'UNAVAILABLE',
          message: expect.stringContaining('Redis does not answer'),
        }),
      10_000,
    );
    await redis.start();
    await vi.waitFor(
      async () => {
        const { lines } = await client.projects.logs({ id: ready.id, container: 'opencode-server' });
        expect(lines).not.toEqual([]);
      },
      { timeout: 30_000, interval: 200 },
    );
  }, 60_000);
});
