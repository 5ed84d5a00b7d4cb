import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import { gate, isCall } from '../support/kubernetes-refusal.ts';
import { createOwnRedis, type OwnRedis } from '../support/own-services.ts';
import type { ServiceProcess } from '../support/processes.ts';
import { createRedisSystem, type RedisSystem } from './redis-system.ts';

/** What an administrator may well take away from a program. `INFO` is among it. */
const usualRights = ['+@all', '-@dangerous'];

let system: RedisSystem;
let worker: ServiceProcess;
/** A user who keeps all rights. */
let admin: Redis;
let password: string;
/** The Redis that becomes the primary of the other one. */
let primary: OwnRedis;

beforeAll(async () => {
  primary = await createOwnRedis();
  system = await createRedisSystem({
    workers: 1,
    // The library spins when it asks for the next job just after the last one. With more places it would wait for a job.
    workerEnv: { WORKER_CONCURRENCY: '1' },
    async prepare({ url }) {
      const place = new URL(url);
      password = place.password;
      const owner = new Redis(url);
      await owner.call('ACL', 'SETUSER', 'admin', 'on', '>of-the-test', '~*', '&*', '+@all');
      await owner.call('ACL', 'SETUSER', 'default', ...usualRights);
      owner.disconnect();
      [place.username, place.password] = ['admin', 'of-the-test'];
      admin = new Redis(place.href);
    },
  });
  worker = system.workers[0] as ServiceProcess; // one was requested
}, 60_000);
afterAll(async () => {
  admin.disconnect();
  await system.stop();
  await primary.stop();
});

const rights = (...rules: string[]) => admin.call('ACL', 'SETUSER', 'default', ...rules);
const giveRights = () => rights(...usualRights);
const disconnectAll = () => admin.call('CLIENT', 'KILL', 'TYPE', 'normal');

interface Refusal {
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
  /** In the answers of `/readyz`. */
  cause: RegExp;
}

const refusals: Record<string, Refusal> = {
  'every command to this user': {
    begin: () => rights('-@all'),
    end: giveRights,
    cause: /NOPERM.*right/,
  },
  'every script to this user': {
    begin: () => rights('-eval', '-evalsha', '-fcall'),
    end: giveRights,
    cause: /NOPERM.*EVAL.*right/,
  },
  'every blocking read to this user, and takes jobs': {
    async begin() {
      await rights('-@blocking');
      await disconnectAll();
    },
    end: giveRights,
    cause: /NOPERM.*BZPOPMIN.*right/,
  },
  'every write, because its memory is full': {
    begin: () => admin.config('SET', 'maxmemory', '1'),
    end: () => admin.config('SET', 'maxmemory', '0'),
    cause: /OOM.*memory/,
  },
  'every write, as a replica': {
    begin: () => admin.call('REPLICAOF', '127.0.0.1', '9'), // where nothing answers
    end: () => admin.call('REPLICAOF', 'NO', 'ONE'),
    cause: /READONLY.*primary/,
  },
  'everything, while it loads the data of its primary': {
    begin: loadSlowly,
    async end() {
      await admin.config('SET', 'key-load-delay', '0');
      await expect.poll(() => admin.get('1').catch(String), { timeout: 5_000 }).not.toMatch(/LOADING/);
      await admin.call('REPLICAOF', 'NO', 'ONE');
    },
    cause: /LOADING|READONLY/,
  },
  'every write, because its disk is full (fault 46)': {
    begin: () => saveTo(mkdir),
    end: () => saveTo(async () => undefined),
    cause: /MISCONF.*disk/,
  },
  'the password, which was changed': {
    async begin() {
      await rights('resetpass', '>another');
      await disconnectAll();
    },
    end: () => rights('resetpass', `>${password}`),
    cause: /WRONGPASS.*password/,
  },
};

/** Reads refuse too from now on, until the data of the primary is loaded. */
async function loadSlowly(): Promise<void> {
  const { password: secret, port } = new URL(primary.url);
  const full = new Redis(primary.url);
  await full.eval(`for i = 1, 4000 do redis.call('SET', i, string.rep(i, 300)) end`, 0);
  await full.config('SET', 'repl-diskless-sync-delay', '0');
  full.disconnect();
  await admin.config('SET', 'masterauth', secret);
  // The server answers between the keys, but only after each kilobyte.
  await admin.call('CONFIG', 'SET', 'key-load-delay', '5000', 'loading-process-events-interval-bytes', '1024');
  await admin.call('REPLICAOF', '127.0.0.1', port);
  await expect.poll(() => admin.get('1').catch(String), { timeout: 10_000 }).toMatch(/LOADING/);
}

/** A save fails while its file is a folder, as it would on a full disk. */
async function saveTo(change: (path: string) => Promise<unknown>): Promise<void> {
  const [, folder = ''] = await admin.config('GET', 'dir');
  await rm(join(folder, 'dump.rdb'), { force: true, recursive: true });
  await change(join(folder, 'dump.rdb'));
  await admin.config('SET', 'save', '3600 1');
  await admin.bgsave();
  await expect.poll(() => admin.info('persistence'), { timeout: 10_000 }).toContain('rdb_bgsave_in_progress:0');
}

let created = 0;
async function create(): Promise<Project> {
  created += 1;
  const { status, data } = await system.call('projects.create', { body: { name: `Project ${created}` } });
  expect(status).toBe(200);
  return data as Project; // a create returns the project
}

const readyz = async ({ url }: ServiceProcess) => (await fetch(`${url}/readyz`)).text();
const jobsDone = () => worker.metric('opencode_jobs_total', { name: 'create-pod', outcome: 'done' });
const processes = () => [system.server, worker];

/** A worker with a running job asks for the next one when this job has ended. */
async function duringJob(work: () => Promise<unknown>): Promise<void> {
  const hold = gate();
  const posts = () => system.kubernetes.requests.filter(isCall('POST', 'pods')).length;
  const before = posts();
  system.kubernetes.fault = (request) => (isCall('POST', 'pods')(request) ? hold.closed : undefined);
  const { id } = await create();
  await expect.poll(posts, { timeout: 10_000 }).toBeGreaterThan(before);
  await work();
  system.kubernetes.heal();
  hold.open();
  await system.until(id, { status: 'ready' });
}

/**
 * Both processes come to rest: they use less than a twentieth of a core for two seconds in a row. What a process does once, such as a
 * collection of all garbage, ends before. A loop does not.
 */
async function expectRest(): Promise<void> {
  const read = async () => ({
    at: performance.now() / 1_000,
    cpu: await Promise.all(processes().map((one) => one.metric('process_cpu_seconds_total'))),
  });
  let last = await read();
  async function busiest(): Promise<number> {
    const [before, now] = [last, await read()];
    last = now;
    return Math.max(...now.cpu.map((value, index) => (value - (before.cpu[index] ?? 0)) / (now.at - before.at)));
  }
  await expect.poll(busiest, { interval: 2_000, timeout: 11_000 }).toBeLessThan(0.05);
}

describe('fault 27: Redis answers and refuses', () => {
  it('dangerous commands to this user: the queue works all the same', async () => {
    const { id } = await create();
    await system.until(id, { status: 'ready' });
    await expect.poll(jobsDone).toBeGreaterThan(0);
    // The first heartbeat of the worker comes some seconds after its start.
    for (const one of processes()) await expect.poll(() => readyz(one), { timeout: 5_000 }).toContain('"status":"ok"');
    await expectRest();
  });

  it.each(Object.entries(refusals))(
    '%s: commands are carried out at rest, and the queue works again within 10 s of the repair',
    async (_, { begin, end, cause }) => {
      const lengths = processes().map(({ output }) => output().length);
      await duringJob(begin);
      try {
        const refusedAt = performance.now();
        const { id } = await create();
        await Promise.all(processes().map((one) => expect.poll(() => readyz(one), { timeout: 5_000 }).toMatch(cause)));
        await system.until(id, { status: 'ready' }, 10_000 - (performance.now() - refusedAt));
        // The command costs more than rest does, so its end comes first.
        await expectRest();
      } finally {
        await end();
      }
      const repairedAt = performance.now();
      const leftMs = () => 10_000 - (performance.now() - repairedAt);
      const before = await jobsDone();
      const isOk = (one: ServiceProcess) => expect.poll(() => readyz(one), { timeout: leftMs() }).toContain('"ok"');
      await Promise.all(processes().map(isOk));
      const { id } = await create();
      await expect.poll(jobsDone, { timeout: leftMs() }).toBeGreaterThan(before);
      await system.until(id, { status: 'ready' }, leftMs());
      const warnings = ({ output }: ServiceProcess, index: number) =>
        output()
          .slice(lengths[index])
          .match(/Redis (refuses|does not answer)/g) ?? [];
      processes().forEach((one, index) => expect(warnings(one, index).length).toBeLessThan(2));
    },
    40_000,
  );
});
