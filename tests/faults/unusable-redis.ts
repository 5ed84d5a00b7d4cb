/** The tests of a Redis that accepts connections but takes no commands. Two files run them, side by side. */

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import type { Freshness } from '../../src/shared/contract/events.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import type { OwnRedis } from '../support/own-services.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { createRedisSystem, type RedisSystem } from './redis-system.ts';

const namespace = 'opencode';

/** The tests run in their order: the last one repairs Redis. */
export function describeUnusableRedis(
  title: string,
  { inflict, repair }: { inflict(redis: OwnRedis): Promise<void>; repair(redis: OwnRedis): Promise<void> },
): void {
  let system: RedisSystem;
  let feed: Feed;
  let worker: ServiceProcess;
  const projects: Project[] = [];
  let faultAt = 0;

  beforeAll(async () => {
    system = await createRedisSystem({ workers: 1 });
    worker = system.workers[0] as ServiceProcess; // one was requested
    feed = await openFeed(system);
    for (let count = 0; count < 5; count += 1) projects.push(await create(system, `Project ${count}`));
    for (const { id } of projects) await system.until(id, { status: 'ready', observedGeneration: 1 }, 30_000);
    await vi.waitFor(() => expect(feed.freshnessSince(0).at(-1)?.state).toBe('live'), { timeout: 30_000 });
    await inflict(system.redis);
    faultAt = performance.now();
  }, 120_000);
  afterAll(async () => {
    feed.close();
    await system.stop();
  });

  describe(title, () => {
    it('rows are written within 2 s and reach the screen within 10 s', async () => {
      await Promise.all(projects.slice(0, 3).map((project) => expectLossShown(system, feed, project)));
    }, 90_000);

    it('calls of all kinds are answered, 99 of 100 within 3 s', async () => {
      const tookMs = (await Promise.all([1, 2, 3, 4, 5].map((person) => callEverything(system, person)))).flat();
      expect(tookMs.length).toBeGreaterThan(100);
      tookMs.sort((a, b) => a - b);
      expect(tookMs[Math.floor(tookMs.length * 0.99)]).toBeLessThan(3_000);
    }, 120_000);

    it('commands are carried out', () => expectCommandsCarriedOut(system), 120_000);

    it('/readyz of server and worker report it, and that commands are carried out nevertheless', async () => {
      const server = JSON.parse(await readyz(system.server)) as object;
      expect(server).toMatchObject({ status: 'degraded', checks: { database: { ok: true }, redis: { ok: false } } });
      const answer = JSON.parse(await readyz(worker)) as object;
      expect(answer).toMatchObject({
        status: 'degraded',
        messages: [expect.stringContaining('Redis')],
      });
    });

    it('after 10 s the screen is never called live, and the time that it shows keeps advancing', async () => {
      const late = () => feed.freshnessSince(faultAt + 12_000);
      await expect.poll(() => late().length, { timeout: 60_000, interval: 100 }).toBeGreaterThanOrEqual(3);
      const states = new Set(feed.freshnessSince(faultAt).map((each) => each.state));
      expect(states).toEqual(new Set(['delayed']));
      const times = late().map(({ asOf }) => Date.parse(asOf ?? ''));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times.at(-1)).toBeGreaterThan(times[0] ?? Infinity);
      const other = await openSocket(system.server.url, { token: system.token });
      onTestFinished(() => other.close());
      expect(await other.subscribe(1)).toMatchObject({ freshness: { state: 'delayed' } });
    }, 90_000);

    it('servers and workers start, and stop within 25 s of SIGTERM', async () => {
      const more = await Promise.all([system.startServerProcess(), system.startWorkerProcess()]);
      const startedAt = performance.now();
      const exits = await Promise.all(more.map((each) => each.kill('SIGTERM')));
      expect(exits).toEqual([
        { code: 0, signal: null },
        { code: 0, signal: null },
      ]);
      expect(performance.now() - startedAt).toBeLessThan(25_000);
    }, 60_000);

    it('server and worker do not retry in a busy loop', async () => {
      const cpu = () => Promise.all([system.server, worker].map((each) => each.metric('process_cpu_seconds_total')));
      const before = await cpu();
      const startedAt = performance.now();
      await expect.poll(() => performance.now() - startedAt, { timeout: 5_000, interval: 100 }).toBeGreaterThan(3_000);
      const after = await cpu();
      const seconds = (performance.now() - startedAt) / 1_000;
      after.forEach((value, index) => expect((value - (before[index] ?? 0)) / seconds).toBeLessThan(0.5));
    });

    it('within 30 s of the repair everything is live again and the queue is used', async () => {
      await repair(system.redis);
      const repairedAt = performance.now();
      const leftMs = () => Math.max(repairedAt + 30_000 - performance.now(), 1);
      const newestState = () => feed.freshnessSince(repairedAt).at(-1)?.state;
      await expect.poll(newestState, { timeout: leftMs(), interval: 50 }).toBe('live');
      const jobsDone = () => worker.metric('opencode_jobs_total', { name: 'create-pod', outcome: 'done' });
      const before = await jobsDone();
      for (let count = 0; (await jobsDone()) === before; count += 1) {
        const { id } = await create(system, `After ${count}`);
        await system.until(id, { status: 'ready' }, leftMs());
      }
      await expect.poll(() => readyz(system.server), { timeout: leftMs() }).toContain('"status":"ok"');
      await expect.poll(() => readyz(worker), { timeout: leftMs() }).toContain('"status":"ok"');
      for (const { output } of [system.server, worker]) expect(output()).not.toMatch(/MaxListeners|Unhandled/);
      for (const { id } of projects) expect(await system.podsOf(id)).toHaveLength(1);
    }, 60_000);
  });
}

interface Feed {
  /** Every event of the subscription, with its time in milliseconds of `performance.now()`. */
  events: { at: number; event: FeedEvent }[];
  freshnessSince(since: number): (Freshness & { at: number })[];
  close(): void;
}

interface FeedEvent {
  type: string;
  project?: Project;
  freshness?: Freshness;
}

/** The subscription of a browser window. */
async function openFeed({ server, token }: RedisSystem): Promise<Feed> {
  const events: Feed['events'] = [];
  const socket: RawSocket = await openSocket(server.url, { token });
  socket.ws.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text === 'PING') socket.send('PONG'); // the server closes a socket that is silent for a minute
    if (!text.startsWith('{')) return;
    const event = (JSON.parse(text) as { result?: { data?: { data?: FeedEvent } } }).result?.data?.data;
    if (event) events.push({ at: performance.now(), event });
  });
  await socket.subscribe(1);
  return {
    events,
    freshnessSince: (since) =>
      events.flatMap(({ at, event }) => (event.freshness && at >= since ? [{ at, ...event.freshness }] : [])),
    close: () => socket.close(),
  };
}

async function command(system: RedisSystem, path: string, input: object): Promise<Project> {
  const answer = await system.call(`projects.${path}`, { body: input });
  if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}: ${answer.text}`);
  return answer.data as Project; // every command returns the project
}

const create = (system: RedisSystem, name: string) => command(system, 'create', { name });

async function readyz({ url }: ServiceProcess): Promise<string> {
  return (await fetch(`${url}/readyz`)).text();
}

/** Deletes the pod by hand. */
async function expectLossShown(system: RedisSystem, feed: Feed, { id, podName }: Project): Promise<void> {
  const { statusVersion } = await system.read(id);
  const deletedAt = performance.now();
  await system.cluster.api.deleteNamespacedPod({ name: podName, namespace });
  await expect
    .poll(async () => (await system.read(id)).statusVersion, { timeout: 10_000, interval: 10 })
    .toBeGreaterThan(statusVersion);
  const writtenAt = performance.now();
  expect(writtenAt - deletedAt).toBeLessThan(2_000);
  const shownAt = () =>
    feed.events.find(({ event }) => event.project?.id === id && event.project.statusVersion > statusVersion)?.at;
  await expect.poll(shownAt, { timeout: 15_000, interval: 20 }).toBeDefined();
  expect((shownAt() ?? Infinity) - writtenAt).toBeLessThan(10_000);
  await system.until(id, { status: 'ready' }, 30_000);
}

/** One person calls every kind of procedure, one after the other. Returns how long each call took. */
async function callEverything(system: RedisSystem, person: number): Promise<number[]> {
  const tookMs: number[] = [];
  const call = async (path: string, request: { body?: object; input?: object } = {}) => {
    const startedAt = performance.now();
    const { status, error } = await system.call(path, request);
    tookMs.push(performance.now() - startedAt);
    // A conflict is an answer as well: the project is in another state by now.
    const outcome = status === 409 ? error?.data['appCode'] : status;
    expect([path, outcome]).toEqual([path, status === 409 ? 'ILLEGAL_STATE' : 200]);
  };
  const { id } = await create(system, `Called by ${person}`);
  for (let round = 0; round < 2; round += 1) {
    await call('projects.create', { body: { name: `Person ${person} round ${round}` } });
    await call('projects.list', { input: {} });
    await call('projects.update', { body: { id, description: `Round ${round}` } });
    for (const path of ['stop', 'start', 'restart', 'retry']) await call(`projects.${path}`, { body: { id } });
    await call('projects.get', { input: { id } });
    await call('projects.activity', { input: { id } });
    await call('auth.me');
    await call('tokens.list');
  }
  await call('projects.delete', { body: { id } });
  await system.until(id, { status: 'archived' }, 60_000);
  return tookMs;
}

async function expectCommandsCarriedOut(system: RedisSystem): Promise<void> {
  const { id } = await create(system, 'Commanded');
  await system.until(id, { status: 'ready', podError: null }, 30_000);
  expect(await system.podsOf(id)).toHaveLength(1);
  await command(system, 'stop', { id });
  await system.until(id, { status: 'stopped' }, 30_000);
  await command(system, 'start', { id });
  await system.until(id, { status: 'ready' }, 30_000);
  await command(system, 'delete', { id });
  await system.until(id, { status: 'archived' }, 30_000);
  expect(await system.podsOf(id)).toEqual([]);
  expect(await system.claimsOf(id)).toEqual([]);
}
