import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, type JsonObject } from './api/kube-object.ts';
import {
  createEmbeddedKubernetes,
  type EmbeddedKubernetes,
  type EmbeddedKubernetesOptions,
} from './embedded-kubernetes.ts';
import { createApiClient, type ApiClient } from './kubelet/api-client.ts';
import { connectionOfFile } from './kubelet/api-connection.ts';

const delays = { scheduleMs: 1, provisionMs: 1, pullMs: 5, createMs: 5, startupMs: 5, readyMs: 5, stopMs: 20 };
const pods = '/api/v1/namespaces/opencode/pods';
const pod = (name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'main:v1' }] },
});

describe('the embedded Kubernetes', () => {
  it('starts with its namespaces, a default storage class and a ready node', async ({ onTestFinished }) => {
    const { connect, dataDir, start } = await openFolder(onTestFinished);
    const { url, kubeconfigPath } = await start();
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(kubeconfigPath).toBe(path.join(dataDir, 'kubeconfig'));
    const client = await connect();
    const names = async (list: string): Promise<string[]> =>
      objectsAt(await client.get(list), 'items').map((item) => textAt(item, 'metadata', 'name'));
    expect(await names('/api/v1/namespaces')).toEqual(['default', 'kube-system', 'opencode']);
    expect(await names('/apis/storage.k8s.io/v1/storageclasses')).toEqual(['standard']);
    expect(await names('/api/v1/nodes')).toEqual(['embedded']);
  });

  it('keeps objects, port and credentials over a restart, and versions keep rising', async ({ onTestFinished }) => {
    const { connect, start } = await openFolder(onTestFinished);
    const first = await start();
    const client = await connect();
    await client.call('POST', pods, { body: pod('kept') });
    const before = await runningPod(client, 'kept');
    const kubeconfig = await readFile(first.kubeconfigPath, 'utf8');
    await first.stop();

    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await readFile(second.kubeconfigPath, 'utf8')).toBe(kubeconfig);
    const after = await connect();
    expect(await after.get(`${pods}/kept`)).toEqual(before);
    const created = await after.call('POST', pods, { body: pod('created') });
    expect(Number(textAt(created, 'metadata', 'resourceVersion'))).toBeGreaterThan(
      Number(textAt(before, 'metadata', 'resourceVersion')),
    );
  });

  it('answers 410 to watches from an earlier run and from an unknown future version', async ({ onTestFinished }) => {
    const { connect, start } = await openFolder(onTestFinished);
    const first = await start();
    const client = await connect();
    const created = await client.call('POST', pods, { body: pod('kept') });
    await runningPod(client, 'kept');
    await first.stop();
    await start();
    const after = await connect();
    for (const resourceVersion of [textAt(created, 'metadata', 'resourceVersion'), '999999999']) {
      expect(await watchOnce(after, resourceVersion)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    }
  });

  it('answers 410 to watches from before a compaction', async ({ onTestFinished }) => {
    const { connect, start } = await openFolder(onTestFinished);
    const kubernetes = await start();
    const client = await connect();
    const created = await client.call('POST', pods, { body: pod('watched') });
    await runningPod(client, 'watched');
    kubernetes.compact();
    expect(await watchOnce(client, textAt(created, 'metadata', 'resourceVersion'))).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', reason: 'Expired', code: 410 },
    });
  });

  it('loses nothing that it acknowledged when its process is killed', async ({ onTestFinished }) => {
    const { connect, dataDir, start } = await openFolder(onTestFinished);
    const module = new URL('embedded-kubernetes.ts', import.meta.url).href;
    const script = `import { createEmbeddedKubernetes } from ${JSON.stringify(module)};
      await createEmbeddedKubernetes({ dataDir: ${JSON.stringify(dataDir)}, kubeletOptions: { delays: { scheduleMs: 60000 } } });
      process.stdout.write('ready');`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await new Promise((resolve) => void child.stdout.once('data', resolve));
      const client = await connect();
      for (const name of ['one', 'two', 'three']) await client.call('POST', pods, { body: pod(name) });
      await client.call('DELETE', `${pods}/two`);
    } finally {
      child.kill('SIGKILL');
      await new Promise((resolve) => void child.once('exit', resolve));
    }
    // The kill may have cut the last line short.
    await appendFile(path.join(dataDir, 'kubernetes', 'journal.jsonl'), '{"revision":999,"resource":"/po');
    await start();
    const list = await (await connect()).get(pods);
    expect(objectsAt(list, 'items').map((item) => textAt(item, 'metadata', 'name'))).toEqual(['one', 'three']);
  });

  it('uses the given port, or another one when the port of the last run is in use', async ({ onTestFinished }) => {
    const { start } = await openFolder(onTestFinished);
    const first = await start();
    const port = Number(new URL(first.url).port);
    await first.stop();
    const occupant = createServer();
    await new Promise<void>((resolve) => void occupant.listen(port, '127.0.0.1', () => resolve()));
    try {
      const second = await start();
      expect(new URL(second.url).port).not.toBe(`${port}`);
      await second.stop();
      await expect(start({ port })).rejects.toThrow('EADDRINUSE');
    } finally {
      await new Promise((resolve) => void occupant.close(resolve));
    }
    const probe = createServer();
    await new Promise<void>((resolve) => void probe.listen(0, '127.0.0.1', () => resolve()));
    const { port: freePort } = probe.address() as AddressInfo;
    await new Promise((resolve) => void probe.close(resolve));
    expect((await start({ port: freePort })).url).toBe(`https://127.0.0.1:${freePort}`);
  });
});

describe('the stop of the embedded Kubernetes', () => {
  it('takes less than a second while a client holds an unused connection', async ({ onTestFinished }) => {
    const { start } = await openFolder(onTestFinished);
    const kubernetes = await start();
    const silent = createConnection(Number(new URL(kubernetes.url).port), '127.0.0.1');
    silent.on('error', () => undefined); // the connection is cut off
    await once(silent, 'connect');
    const startedAt = performance.now();
    await kubernetes.stop();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    silent.destroy();
  });

  it('takes less than a second while a client watches', async ({ onTestFinished }) => {
    const { connect, start } = await openFolder(onTestFinished);
    const kubernetes = await start();
    const client = await connect();
    await client.call('POST', pods, { body: pod('watched') });
    await runningPod(client, 'watched');
    const lines = client.lines(pods, { query: { watch: 'true' }, idleMs: 60_000 });
    expect(await lines.next()).toMatchObject({ done: false });
    const end = lines.next();
    const startedAt = performance.now();
    await kubernetes.stop();
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await end).toMatchObject({ done: true });
  });
});

type OnTestFinished = (clean: () => void | Promise<void>) => void;

/** A data folder for one test. What the test starts and connects is stopped at its end. */
async function openFolder(onTestFinished: OnTestFinished) {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'embedded-kubernetes-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return {
    dataDir,
    async start(options: Partial<EmbeddedKubernetesOptions> = {}): Promise<EmbeddedKubernetes> {
      const kubernetes = await createEmbeddedKubernetes({ dataDir, kubeletOptions: { delays }, ...options });
      onTestFinished(() => kubernetes.stop()); // runs before the removal above
      return kubernetes;
    },
    async connect(): Promise<ApiClient> {
      const connection = await connectionOfFile(path.join(dataDir, 'kubeconfig'));
      const client = createApiClient({ connection, userAgent: 'test' });
      onTestFinished(() => client.close());
      return client;
    },
  };
}

async function runningPod(client: ApiClient, name: string): Promise<JsonObject> {
  for (;;) {
    const found = await client.get(`${pods}/${name}`);
    if (textAt(found, 'status', 'phase') === 'Running') return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The first event of a watch. */
async function watchOnce(client: ApiClient, resourceVersion: string): Promise<JsonObject> {
  const query = { watch: 'true', resourceVersion, timeoutSeconds: '5' };
  for await (const line of client.lines(pods, { query, idleMs: 6000 })) return JSON.parse(line) as JsonObject;
  throw new Error('The watch ended without an event.');
}
