/** Measures memory, connections and sockets. They must return to what they were before the faults (I7). */

import { Redis } from 'ioredis';

import { waitUntil } from '../../src/embedded/process/wait-until.ts';
import type { Supervised } from './supervised.ts';
import type { Violations } from './violations.ts';
import type { World } from './world.ts';

export interface Holdings {
  serverHeapBytes: number;
  workerHeapBytes: number;
  redisClients: number;
}

/** Pool sizes: the default of `createDatabase` in the server, WORKER_CONCURRENCY + 10 in the worker. */
const poolSizes = { 'opencode-server': 10, 'opencode-worker': 30 };
const slackBytes = 50 * 1024 * 1024;
const timeoutMs = 8_000;

export async function measure(world: World): Promise<Holdings> {
  const heaps = async (processes: readonly Supervised[]) => Math.max(...(await Promise.all(processes.map(heapOf))));
  const [serverHeapBytes, workerHeapBytes, redisClients] = await Promise.all([
    heaps(world.servers),
    heaps(world.workers),
    countRedisClients(world.redis.url),
  ]);
  return { serverHeapBytes, workerHeapBytes, redisClients };
}

/** Call it after all clients are closed. */
export async function checkHoldings(world: World, before: Holdings, violations: Violations): Promise<void> {
  const report = (text: string) => violations.report('I7', null, text);

  for (const server of world.servers) {
    for (const metric of ['opencode_sockets', 'opencode_subscriptions']) {
      const last = await settles(async () => (await server.current()?.metric(metric)) ?? -1, 0);
      if (last !== null)
        report(`${metric} of ${server.name} should be 0 after all clients have closed, and is ${last}`);
    }
  }
  for (const [processes, bytes] of [
    [world.servers, before.serverHeapBytes],
    [world.workers, before.workerHeapBytes],
  ] as const) {
    const limit = 2 * bytes + slackBytes;
    for (const one of processes) {
      const heap = await heapOf(one);
      if (heap > limit) report(`the heap of ${one.name} is ${megabytes(heap)}; expected at most ${megabytes(limit)}`);
    }
  }
  const clients = await settles(() => countRedisClients(world.redis.url), before.redisClients);
  if (clients !== null) report(`Redis has ${clients} clients; before the faults it had ${before.redisClients}`);

  const { rows } = await world.db.raw<{ rows: { name: string; count: string }[] }>(
    'select application_name as name, count(*) as count from pg_stat_activity group by 1',
  );
  for (const [name, size] of Object.entries(poolSizes)) {
    const open = Number(rows.find((row) => row.name === name)?.count ?? 0);
    const limit = 2 * size;
    if (open > limit) report(`PostgreSQL has ${open} connections of ${name}; two pools hold at most ${limit}`);
  }
}

/** Warnings that Node prints by itself. */
const warnings = /MaxListenersExceededWarning|Unhandled|unhandledRejection|uncaughtException|possible .* memory leak/i;

export function checkOutputs(world: World, violations: Violations): void {
  for (const one of [...world.servers, ...world.workers]) {
    for (const process of one.all()) {
      for (const line of process.output().split('\n')) {
        if (warnings.test(line)) violations.report('I7', null, `${one.name} printed: ${line.slice(0, 500)}`);
      }
    }
  }
}

/** Waits until it is at most `limit`; returns the last value when it never is, else `null`. */
async function settles(read: () => Promise<number>, limit: number): Promise<number | null> {
  let last = Number.NaN;
  const settled = await waitUntil(
    async () => {
      last = await read();
      return last <= limit && last >= 0 ? true : undefined;
    },
    { timeoutMs: timeoutMs, intervalMs: 200 },
  );
  return settled ? null : last;
}

async function heapOf(one: Supervised): Promise<number> {
  return (await one.current()?.metric('nodejs_heap_size_used_bytes')) ?? 0;
}

async function countRedisClients(url: string): Promise<number> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined); // the command rejects
  try {
    const list = await redis.client('LIST');
    return String(list).trim().split('\n').length - 1; // without this connection
  } finally {
    redis.disconnect();
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MB`;
}
