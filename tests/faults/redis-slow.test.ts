import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';

import type { Freshness } from '../../src/shared/contract/events.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import { startServerProcess, startWorkerProcess, type ServiceProcess } from '../support/processes.ts';
import { openSocket, type RawSocket } from '../support/raw-socket.ts';
import { createRedisSystem, type RedisSystem } from './redis-system.ts';

const namespace = 'opencode';

let system: RedisSystem;
let socket: RawSocket;
/** What the subscription has said, and when, in milliseconds of `performance.now()`. */
const heard: { at: number; event: { type: string; project?: Project; freshness?: Freshness } }[] = [];

beforeAll(async () => {
  system = await createRedisSystem({ workers: 1 });
  socket = await openSocket(system.server.url, { token: system.token });
  socket.ws.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text === 'PING') socket.send('PONG'); // who says nothing for a minute is taken for gone
    if (!text.startsWith('{')) return;
    const event = (JSON.parse(text) as { result?: { data?: { data?: (typeof heard)[number]['event'] } } }).result?.data
      ?.data;
    if (event) heard.push({ at: performance.now(), event });
  });
  await socket.subscribe(1);
});
afterAll(async () => {
  socket.close();
  await system.stop();
});

async function command(path: string, input: object): Promise<Project> {
  const answer = await system.call(`projects.${path}`, { body: input });
  if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}: ${answer.text}`);
  return answer.data as Project; // every command returns the project
}

const create = (name: string) => command('create', { name });
const until = (id: string, expected: object, timeout = 30_000) =>
  vi.waitFor(async () => expect(await system.read(id)).toMatchObject(expected), { timeout, interval: 50 });

const freshnessSince = (since: number) =>
  heard.flatMap(({ at, event }) => {
    const freshness = event.freshness;
    return freshness && at >= since ? [{ at, ...freshness }] : [];
  });

async function readyz(url: string): Promise<string> {
  return (await fetch(`${url}/readyz`)).text();
}

const workerOf = () => system.workers[0] as ServiceProcess; // there is one
const jobsDone = (name: string) => workerOf().metric('opencode_jobs_total', { name, outcome: 'done' });

const faults = [
  {
    number: 5,
    state: 'frozen',
    inflict: async () => system.redis.freeze(),
    lift: async () => system.redis.thaw(),
  },
  { number: 6, state: 'full', inflict: () => system.redis.fill(), lift: () => system.redis.empty() },
];

describe.each(faults)('fault $number: Redis $state', ({ state, inflict, lift }) => {
  const projects: Project[] = [];
  let since = 0;

  beforeAll(async () => {
    for (let count = 0; count < 5; count += 1) projects.push(await create(`${state} ${count}`));
    for (const { id } of projects) await until(id, { status: 'ready', observedGeneration: 1 });
    await vi.waitFor(() => expect(freshnessSince(0).at(-1)?.state).toBe('live'), { timeout: 30_000 });
    await inflict();
    since = performance.now();
  });

  it('rows are written at once, and the screen shows them within 10 s', async () => {
    for (const { id, podName } of projects.slice(0, 3)) {
      const { statusVersion } = await system.read(id);
      const deletedAt = performance.now();
      await system.cluster.api.deleteNamespacedPod({ name: podName, namespace });
      await expect
        .poll(async () => (await system.read(id)).statusVersion, { timeout: 10_000, interval: 10 })
        .toBeGreaterThan(statusVersion);
      const writtenAt = performance.now();
      expect(writtenAt - deletedAt).toBeLessThan(2_000);
      const hears = () =>
        heard.find(({ event }) => event.project?.id === id && event.project.statusVersion > statusVersion)?.at;
      await expect.poll(hears, { timeout: 15_000, interval: 20 }).toBeDefined();
      expect((hears() ?? Infinity) - writtenAt).toBeLessThan(10_000);
    }
    for (const { id } of projects.slice(0, 3)) await until(id, { status: 'ready' });
  }, 90_000);

  it('calls of all kinds are answered, 99 of 100 within 3 s', async () => {
    const people = 5;
    // Other names at each try: those of an earlier one are taken.
    const at = Date.now();
    const own = await Promise.all(
      Array.from({ length: people }, (_, index) => create(`${state} ${at} called ${index}`)),
    );
    const tookMs: number[] = [];
    const ask = async (path: string, request: { body?: object; input?: object } = {}) => {
      const startedAt = performance.now();
      const { status, error } = await system.call(path, request);
      tookMs.push(performance.now() - startedAt);
      expect([path, status === 409 ? error?.data['appCode'] : status]).toEqual([
        path,
        status === 409 ? 'ILLEGAL_STATE' : 200,
      ]);
    };
    await Promise.all(
      own.map(async ({ id }, person) => {
        for (let round = 0; round < 4; round += 1) {
          await ask('projects.create', { body: { name: `${state} ${at} ${person} ${round}` } });
          await ask('projects.list', { input: {} });
          await ask('projects.update', { body: { id, description: `Round ${round}` } });
          for (const path of ['stop', 'start', 'restart', 'retry']) await ask(`projects.${path}`, { body: { id } });
          await ask('projects.get', { input: { id } });
          await ask('projects.activity', { input: { id } });
          await ask('auth.me');
          await ask('tokens.list');
        }
        await ask('projects.delete', { body: { id } });
      }),
    );
    expect(tookMs).toHaveLength(people * (4 * 11 + 1));
    tookMs.sort((a, b) => a - b);
    expect(tookMs[Math.floor(tookMs.length * 0.99)]).toBeLessThan(3_000);
    for (const { id } of own) await until(id, { status: 'archived' }, 60_000);
  }, 120_000);

  it('wishes are carried out', async () => {
    const project = await create(`${state} wished`);
    await until(project.id, { status: 'ready', podError: null });
    expect(await system.podsOf(project.id)).toHaveLength(1);
    await command('stop', { id: project.id });
    await until(project.id, { status: 'stopped' });
    await command('start', { id: project.id });
    await until(project.id, { status: 'ready' });
    await command('delete', { id: project.id });
    await until(project.id, { status: 'archived' });
    expect(await system.podsOf(project.id)).toEqual([]);
    expect(await system.claimsOf(project.id)).toEqual([]);
  }, 120_000);

  it('/readyz of server and worker say so, and that wishes are carried out all the same', async () => {
    const server = JSON.parse(await readyz(system.server.url)) as object;
    expect(server).toMatchObject({ status: 'degraded', checks: { database: { ok: true }, redis: { ok: false } } });
    expect(JSON.stringify(server)).toContain('Commands are saved');
    const worker = JSON.parse(await readyz(workerOf().url)) as object;
    expect(worker).toMatchObject({
      status: 'degraded',
      messages: [expect.stringMatching(/^Redis does not accept commands/)],
    });
  });

  it('the screen says as of when, with a time that goes on, and is never called live after 10 s', async () => {
    const late = () => freshnessSince(since + 12_000);
    await expect.poll(() => late().length, { timeout: 60_000, interval: 100 }).toBeGreaterThanOrEqual(3);
    const [, ...told] = freshnessSince(since);
    expect(freshnessSince(since)[0]?.state).toBe('delayed');
    expect(new Set(told.map((each) => each.state))).toEqual(new Set(['delayed']));
    const times = late().map(({ asOf }) => Date.parse(asOf ?? ''));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(times[0] ?? Infinity);
    const other = await openSocket(system.server.url, { token: system.token });
    onTestFinished(() => other.close());
    expect(await other.subscribe(1)).toMatchObject({ freshness: { state: 'delayed' } });
  }, 90_000);

  it('servers and workers start, and stop within 25 s when they are asked to', async () => {
    const { redis, databaseUrl, kubernetes } = system;
    const urls = { databaseUrl, redisUrl: redis.url };
    const extra = await Promise.all([
      startServerProcess(urls),
      startWorkerProcess({ ...urls, kubeconfigPath: kubernetes.kubeconfigPath }),
    ]);
    onTestFinished(async () => {
      await Promise.all(extra.map((each) => each.kill()));
    });
    const startedAt = performance.now();
    const exits = await Promise.all(extra.map((each) => each.kill('SIGTERM')));
    expect(exits).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    expect(performance.now() - startedAt).toBeLessThan(25_000);
  }, 60_000);

  it('nothing is asked without pause meanwhile', async () => {
    const cpu = () => Promise.all([system.server, workerOf()].map((each) => each.metric('process_cpu_seconds_total')));
    const before = await cpu();
    const startedAt = performance.now();
    await expect.poll(() => performance.now() - startedAt, { timeout: 5_000, interval: 100 }).toBeGreaterThan(3_000);
    const after = await cpu();
    const seconds = (performance.now() - startedAt) / 1_000;
    after.forEach((value, index) => expect((value - (before[index] ?? 0)) / seconds).toBeLessThan(0.5));
  });

  it('afterwards everything is live again within 30 s, and the queue is used', async () => {
    await lift();
    const liftedAt = performance.now();
    const limit = () => Math.max(liftedAt + 30_000 - performance.now(), 1);
    await expect.poll(() => freshnessSince(liftedAt).at(-1)?.state, { timeout: limit(), interval: 50 }).toBe('live');
    const before = await jobsDone('create-pod');
    for (let count = 0; (await jobsDone('create-pod')) === before; count += 1) {
      const { id } = await create(`${state} after ${count}`);
      await until(id, { status: 'ready' }, limit());
    }
    await expect.poll(() => readyz(system.server.url), { timeout: limit() }).toContain('"status":"ok"');
    await expect.poll(() => readyz(workerOf().url), { timeout: limit() }).toContain('"status":"ok"');
    for (const { output } of [system.server, workerOf()]) expect(output()).not.toMatch(/MaxListeners|Unhandled/);
    for (const { id } of projects) expect(await system.podsOf(id)).toHaveLength(1);
  }, 60_000);
});
