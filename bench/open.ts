/**
 * P10: from `projects.create` to OpenCode's page through the gateway of `npm start`, beside OpenCode alone from its start to the same
 * page. The first project is created right after the start of the program; the others find everything in the caches of the machine.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { findOpenCode } from '../src/embedded/kubernetes/kubelet/runtime/process/find-opencode.ts';
import { findFreePort } from '../src/embedded/process/free-port.ts';
import type { Client } from '../src/shared/sdk/client.ts';
import { createSdkClient } from '../tests/support/sdk-client.ts';
import { createDataDir, startSystem } from '../tests/support/started-system.ts';
import { percentile, type Result, type Scale } from './measure.ts';

/** OpenCode's page of the workspace. */
const path = `/${Buffer.from('/workspace/project').toString('base64url')}/session`;

export async function measureOpen({ quick }: Scale): Promise<Result> {
  const openCode = findOpenCode(process.env['PATH'] ?? '');
  if (openCode === null) throw new Error('There is no OpenCode on this machine. Run npm ci.');
  const { dataDir, remove } = createDataDir();
  const system = await startSystem({ dataDir, env: { EMBEDDED_RUNTIME: 'sandbox' } });
  const client = await createSdkClient(system, 'user-a');
  const { token } = await client.trpc.tokens.create.mutate({ name: 'bench' });
  const count = quick ? 3 : 11;
  const ours: number[] = [];
  const baseline: number[] = [];
  try {
    for (let index = 0; index < count; index += 1) {
      ours.push(await timeOfOpen(client, { port: Number(new URL(system.url).port), token, name: `Bench ${index}` }));
      baseline.push(await timeOfOpenCode(openCode));
    }
  } finally {
    await client.close();
    await system.end('SIGTERM');
    remove();
  }
  return {
    id: 'P10',
    what: "from create to OpenCode's page through the gateway, beside OpenCode alone, p50",
    unit: 'ms',
    ours: percentile(ours.slice(1), 0.5),
    baseline: percentile(baseline.slice(1), 0.5),
    budget: { atMost: 4 },
    details: { 'first one': ours[0] ?? 0, slowest: Math.max(...ours), samples: count - 1 },
  };
}

async function timeOfOpen(client: Client, options: { port: number; token: string; name: string }): Promise<number> {
  const startedAt = performance.now();
  const { id } = await client.projects.create({ name: options.name });
  await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
  const headers = { host: `p-${id}.localhost:${options.port}`, authorization: `Bearer ${options.token}` };
  await untilAnswered({ host: '127.0.0.1', port: options.port, headers });
  const took = performance.now() - startedAt;
  await client.projects.delete(id);
  await client.waitFor(id, ({ status }) => status === 'archived', { timeoutMs: 60_000 });
  return took;
}

async function timeOfOpenCode(program: string): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), 'opencode-bench-'));
  const port = await findFreePort();
  const startedAt = performance.now();
  const child = spawn(program, ['serve', '--hostname', '127.0.0.1', '--port', String(port)], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, OPENCODE_SERVER_PASSWORD: 'bench' },
    stdio: 'ignore',
  });
  const authorization = `Basic ${Buffer.from('opencode:bench').toString('base64')}`;
  await untilAnswered({ host: '127.0.0.1', port, headers: { authorization } });
  const took = performance.now() - startedAt;
  child.kill('SIGKILL');
  await once(child, 'exit');
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  return took;
}

/** Asks for the page until it is there. A request that comes right before OpenCode listens is never answered. */
async function untilAnswered(target: { host: string; port: number; headers: Record<string, string> }): Promise<void> {
  while ((await statusOf(target)) !== 200) await delay(50);
}

function statusOf(target: { host: string; port: number; headers: Record<string, string> }): Promise<number> {
  return new Promise((resolve) => {
    const sent = request({ ...target, path, timeout: 1_000 }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(0)).end();
  });
}
