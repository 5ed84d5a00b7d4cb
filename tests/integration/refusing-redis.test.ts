/**
 * BullMQ's loops when Redis refuses a command at once. The first two tests are canaries: when one fails after an upgrade, the
 * library no longer spins, and the pause in `redis-guard.ts` or `skipVersionCheck` may go.
 */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';

import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { expect, inject, it, onTestFinished } from 'vitest';

import { createLog } from '../../src/shared/node/log.ts';
import { createRedis } from '../../src/shared/node/redis.ts';

const log = createLog({ name: 'test', level: 'silent' });

/** The address of the shared Redis for a new user who lacks some rights. */
async function urlOfUser(...missing: string[]): Promise<string> {
  const url = new URL(inject('redisUrl'));
  const admin = new Redis(url.href);
  const name = randomUUID();
  await admin.call('ACL', 'SETUSER', name, 'on', '>of-the-test', '~*', '&*', '+@all', ...missing);
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', name);
    admin.disconnect();
  });
  [url.username, url.password] = [name, 'of-the-test'];
  return url.href;
}

/** How many commands of a worker Redis refuses in half a second. */
async function countRefusals(connection: Redis): Promise<number> {
  const worker = new Worker(`canary-${randomUUID()}`, async () => undefined, { connection, skipVersionCheck: true });
  let refusals = 0;
  worker.on('error', () => (refusals += 1));
  await expect.poll(() => refusals, { timeout: 10_000 }).toBeGreaterThan(0);
  const [before, startedAt] = [refusals, performance.now()];
  await expect.poll(() => performance.now() - startedAt, { interval: 20 }).toBeGreaterThan(500);
  const counted = refusals - before;
  connection.disconnect();
  await worker.close(true);
  return counted;
}

it('BullMQ alone spins when Redis refuses its scripts', async () => {
  const connection = new Redis(await urlOfUser('-eval', '-evalsha'), { maxRetriesPerRequest: null });
  expect(await countRefusals(connection)).toBeGreaterThan(50);
});

it('BullMQ alone blocks its process when Redis refuses to tell its version', async () => {
  const program = resolve(import.meta.dirname, 'refused-worker.ts');
  const child = spawn(process.execPath, [program, await urlOfUser('-info')], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await expect.poll(() => output, { timeout: 10_000 }).toContain('refused');
  const refusedAt = performance.now();
  await expect.poll(() => performance.now() - refusedAt, { interval: 20 }).toBeGreaterThan(500);
  expect(output).not.toContain('timer');
});

it('a worker on one of our connections asks a Redis that refuses its scripts a few times a second', async () => {
  const connection = createRedis(await urlOfUser('-eval', '-evalsha'), { purpose: 'blocking', log });
  expect(await countRefusals(connection)).toBeLessThan(5);
});
