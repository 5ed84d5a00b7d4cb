import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, vi } from 'vitest';

import type { FaultyKubernetes } from '../support/faulty-kubernetes.ts';
import type { WorkerSystem } from '../support/worker-system.ts';
import { it } from '../support/worker-test.ts';

/** A failing worker says so within this time. */
const promisedMs = 30_000;
const quick = { requestTimeoutMs: 500 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'login-program-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A login program that a test can change. It writes a line for each start. */
async function createProgram(name: string) {
  const command = join(folder, name);
  const startsFile = `${command}.starts`;
  await writeFile(startsFile, '');
  const program = {
    command,
    async does(script: string) {
      await writeFile(command, `#!/bin/sh\necho $$ >> ${startsFile}\n${script}\n`);
      await chmod(command, 0o755);
    },
    prints: (token: string, expirationTimestamp = '') =>
      program.does(`echo '${JSON.stringify({ kind: 'ExecCredential', status: { token, expirationTimestamp } })}'`),
    /** The ids of the processes so far. */
    starts: async () =>
      (await readFile(startsFile, 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
  };
  return program;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function accept({ tokens }: FaultyKubernetes, token: string): void {
  tokens.clear();
  tokens.add(token);
}

async function startWorker({ kubernetes, ...system }: WorkerSystem, command: string) {
  const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'Never' } };
  return system.startWorker({ KUBECONFIG: await kubernetes.kubeconfigFor(user) }, quick);
}

const untilReadiness = (worker: Awaited<ReturnType<typeof startWorker>>, expected: object, timeout = promisedMs) =>
  vi.waitFor(async () => expect(await worker.readiness()).toMatchObject(expected), timeout);

describe('fault 38: the login program of the kubeconfig hangs, fails, or its credentials expire', () => {
  it.for([
    ['hangs', 'sleep 600 & wait', /did not answer within 500 ms/],
    ['fails', 'echo "no session" >&2; exit 3', /ended with code 3/],
    ['prints nonsense', 'echo hello', /printed no credentials/],
  ] as const)(
    'while it %s, row and readiness say so, at most one process runs, and the worker heals',
    { timeout: 40_000 },
    async ([name, script, expected], { system }) => {
      const program = await createProgram(name);
      await program.does(script);
      accept(system.kubernetes, 'good');
      const worker = await startWorker(system, program.command);
      const projects = await Promise.all(Array.from({ length: 5 }, () => system.create()));
      await Promise.all(projects.map(({ id }) => system.until(id, { reason: 'unauthorized' }, promisedMs)));
      await untilReadiness(worker, { status: 'degraded', messages: [expect.stringMatching(expected)] });
      const starts = await program.starts();
      expect(starts.filter(isRunning).length).toBeLessThanOrEqual(1);
      // Three list-watches and five projects have asked. Between two failures the program rests.
      expect(starts.length).toBeLessThan(5);
      await program.prints('good');
      await Promise.all(projects.map(({ id }) => system.until(id, { status: 'ready', podError: null }, promisedMs)));
      await untilReadiness(worker, { status: 'ok', messages: [] });
      expect(starts.filter(isRunning)).toEqual([]);
    },
  );

  it('its credentials are used until they expire or are refused, and not longer', async ({ system }) => {
    const program = await createProgram('expires');
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    await program.prints('first', inAnHour);
    accept(system.kubernetes, 'first');
    await startWorker(system, program.command);
    const before = await system.create();
    await system.until(before.id, { status: 'ready' });
    expect(await program.starts()).toHaveLength(1);
    await program.prints('second', inAnHour);
    accept(system.kubernetes, 'second');
    for (const watch of system.kubernetes.watches) watch.reset();
    const after = await system.create();
    await system.until(after.id, { status: 'ready', podError: null }, promisedMs);
    expect((await program.starts()).length).toBeLessThan(4);
  }, 40_000);
});

describe('the kubeconfig of a worker', () => {
  it('may name a token file beside it, and a cluster that has a path and is behind a proxy', async ({
    system,
    onTestFinished,
  }) => {
    const { kubernetes } = system;
    const proxy = await startConnectProxy();
    onTestFinished(proxy.stop);
    const kubeconfig = await kubernetes.kubeconfigFor({ tokenFile: 'token-beside' });
    await writeFile(join(dirname(kubeconfig), 'token-beside'), 'beside\n');
    const text = await readFile(kubeconfig, 'utf8');
    const changed = JSON.parse(text) as { clusters: [{ cluster: { server: string; 'proxy-url'?: string } }] };
    const [{ cluster }] = changed.clusters;
    cluster.server = `${cluster.server}/`;
    cluster['proxy-url'] = proxy.url;
    await writeFile(kubeconfig, JSON.stringify(changed));
    accept(kubernetes, 'beside');
    await system.startWorker({ KUBECONFIG: kubeconfig });
    const project = await system.create();
    await system.until(project.id, { status: 'ready', podError: null });
    expect(proxy.targets.size).toBe(1);
  });
});

/** A proxy that only knows CONNECT. */
async function startConnectProxy() {
  const targets = new Set<string>();
  const server = createServer((client) => {
    client.on('error', () => undefined);
    client.once('data', (head) => {
      const [, host = '', port = ''] = /^CONNECT ([^:]+):(\d+) /.exec(head.toString()) ?? [];
      targets.add(`${host}:${port}`);
      const upstream = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      upstream.on('error', () => client.destroy());
      client.on('close', () => upstream.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, targets, stop: () => void server.close() };
}
