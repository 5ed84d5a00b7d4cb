/**
 * P10: from `projects.create` until OpenCode can be used through the gateway of `npm start`, beside OpenCode alone from its start. It can
 * be used when its page and its list of sessions are there for a browser with the cookie that **Open** gives. P10a finds the program of
 * OpenCode in the memory of the machine. P10b has to read it from the disk, as the first project after the machine has started.
 */

import { execFileSync, spawn } from 'node:child_process';
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

/** Without it, OpenCode waits for an answer from the internet. */
const openCodeEnv = { OPENCODE_DISABLE_MODELS_FETCH: '1' };
/** OpenCode's page of the workspace, and its sessions. */
const paths = [`/${Buffer.from('/workspace/project').toString('base64url')}/session`, '/session'];

export async function measureOpen({ quick }: Scale): Promise<Result[]> {
  const openCode = findOpenCode(process.env['PATH'] ?? '');
  if (openCode === null) throw new Error('There is no OpenCode on this machine. Run npm ci.');
  const { dataDir, remove } = createDataDir();
  const system = await startSystem({
    dataDir,
    env: { EMBEDDED_RUNTIME: 'sandbox', ...openCodeEnv },
  });
  const client = await createSdkClient(system, 'user-a');
  const port = Number(new URL(system.url).port);
  const times = {
    ours: { warm: [] as number[], cold: [] as number[] },
    baseline: { warm: [] as number[], cold: [] as number[] },
  };
  const rounds = quick ? 2 : 10;
  const first = await timeOfOpen(client, { port, name: 'First' });
  await timeOfOpenCode(openCode);
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of ['warm', 'cold'] as const) {
        if (kind === 'cold') dropFromCache(openCode);
        times.ours[kind].push(await timeOfOpen(client, { port, name: `Bench ${kind} ${round}` }));
        if (kind === 'cold') dropFromCache(openCode);
        times.baseline[kind].push(await timeOfOpenCode(openCode));
      }
    }
  } finally {
    await client.close();
    await system.end('SIGTERM');
    remove();
  }
  const result = (id: string, what: string, kind: 'warm' | 'cold'): Result => ({
    id,
    what: `from create until OpenCode can be used through the gateway, beside OpenCode alone, p50, ${what}`,
    unit: 'ms',
    ours: percentile(times.ours[kind], 0.5),
    baseline: percentile(times.baseline[kind], 0.5),
    budget: { atMost: 4 },
    details: { 'first after npm start': first, slowest: Math.max(...times.ours[kind]), samples: rounds },
  });
  return [result('P10a', 'warm cache', 'warm'), result('P10b', 'OpenCode not in the cache', 'cold')];
}

/** The next start reads the file from the disk. Programs that run keep their pages, so none must run. */
function dropFromCache(file: string): void {
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

async function timeOfOpen(client: Client, options: { port: number; name: string }): Promise<number> {
  const startedAt = performance.now();
  const { id } = await client.projects.create({ name: options.name });
  await client.waitFor(id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
  const url = await client.projects.open(id);
  const target = { host: '127.0.0.1', port: options.port, headers: { host: new URL(url).host } };
  const { cookie } = await ask(target, url.slice(new URL(url).origin.length));
  await untilAnswered({ ...target, headers: { ...target.headers, cookie } });
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
    env: { PATH: process.env['PATH'], HOME: home, OPENCODE_SERVER_PASSWORD: 'bench', ...openCodeEnv },
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

interface Target {
  host: string;
  port: number;
  headers: Record<string, string>;
}

/** Asks until everything is there. A request that comes right before OpenCode listens is never answered. */
async function untilAnswered(target: Target): Promise<void> {
  for (const path of paths) while ((await ask(target, path)).status !== 200) await delay(50);
}

/** The status is 0 when there is no answer. */
function ask(target: Target, path: string): Promise<{ status: number; cookie: string }> {
  return new Promise((resolve) => {
    const sent = request({ ...target, path, timeout: 1_000 }, (response) => {
      const cookie = response.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, cookie }));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve({ status: 0, cookie: '' })).end();
  });
}
