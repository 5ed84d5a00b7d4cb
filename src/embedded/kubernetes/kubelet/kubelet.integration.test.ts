import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadCredentials, type Credentials } from '../api/credentials.ts';
import { openJournal } from '../api/journal.ts';
import { textAt, valueAt, type JsonObject } from '../api/kube-object.ts';
import { writeKubeconfig } from '../api/kubeconfig.ts';
import { createKubernetesApi, type KubernetesApi } from '../api/kubernetes-api.ts';
import { createApiClient, type ApiClient } from './api-client.ts';
import { connectionOfFile } from './api-connection.ts';
import { createKubelet, type Kubelet } from './kubelet.ts';

const pods = '/api/v1/namespaces/default/pods';
const pod = (name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'main', image: 'main:v1' }] },
});

describe('the kubelet during outages of the API', () => {
  let directory = '';
  let credentials: Credentials;
  let api: KubernetesApi;
  let kubelet: Kubelet;
  let client: ApiClient;
  const lines: string[] = [];

  const startApi = async (port: number): Promise<KubernetesApi> => {
    const started = await createKubernetesApi({
      credentials,
      journal: openJournal(directory),
      port,
      host: '127.0.0.1',
    });
    started.ensure('namespaces', undefined, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    return started;
  };
  const untilRunning = async (name: string): Promise<void> => {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const found = await client.get(`${pods}/${name}`);
      if (textAt(found, 'status', 'phase') === 'Running') return;
      if (Date.now() > deadline)
        throw new Error(`${name} does not run: ${JSON.stringify(valueAt(found, 'status'))}; ${lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubelet-'));
    credentials = await loadCredentials(directory, ['127.0.0.1']);
    api = await startApi(0);
    const kubeconfigPath = path.join(directory, 'kubeconfig');
    writeKubeconfig(kubeconfigPath, {
      name: 'test',
      url: `https://127.0.0.1:${api.port}`,
      namespace: 'default',
      caCertificate: credentials.caCertificate,
      token: credentials.token,
    });
    client = createApiClient({ connection: await connectionOfFile(kubeconfigPath), userAgent: 'test' });
    lines.length = 0;
    const delays = { scheduleMs: 1, pullMs: 5, createMs: 5, stopMs: 5 };
    kubelet = createKubelet({ kubeconfigPath, delays, log: (line) => lines.push(line) });
  });
  afterEach(async () => {
    await kubelet.stop();
    client.close();
    await api.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('continues after an outage that lasts longer than two attempts', async () => {
    await kubelet.start();
    await client.call('POST', pods, { body: pod('before') });
    await untilRunning('before');
    const { port } = api;
    await api.stop();
    const failures = (): number =>
      lines.filter((line) => line.includes(`${pods.split('/').at(-1)} cannot be watched`)).length;
    while (failures() < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    api = await startApi(port);
    await client.call('POST', pods, { body: pod('after') });
    await untilRunning('after');
  });

  it('continues after the API has compacted its history', async () => {
    await kubelet.start();
    for (let round = 0; round < 3; round += 1) {
      api.compact();
      await client.call('POST', pods, { body: pod(`pod-${round}`) });
      await untilRunning(`pod-${round}`);
    }
  });

  it('waits for an API that has not started yet', async () => {
    const { port } = api;
    await api.stop();
    const started = kubelet.start();
    while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    api = await startApi(port);
    await started;
    await client.call('POST', pods, { body: pod('late') });
    await untilRunning('late');
  });

  it('stops at once during an outage', async () => {
    await kubelet.start();
    await api.stop();
    const startedAt = performance.now();
    await kubelet.stop();
    expect(performance.now() - startedAt).toBeLessThan(500);
    api = await startApi(0);
  });

  it('says again and again that a pod waits for the memory of others, unless it can never fit', async () => {
    const full: string[] = [];
    const sized = (name: string, memory: string): JsonObject => ({
      ...pod(name),
      spec: { containers: [{ name: 'main', image: 'main:v1', resources: { requests: { memory } } }] },
    });
    kubelet = createKubelet({
      kubeconfigPath: path.join(directory, 'kubeconfig'),
      delays: { scheduleMs: 1, pullMs: 5, createMs: 5, stopMs: 5 },
      capacity: { cpu: '4', memory: '1Gi', pods: '10' },
      onMemoryFull: ({ metadata }) => full.push(metadata.name),
    });
    await kubelet.start();
    await client.call('POST', pods, { body: sized('first', '600Mi') });
    await untilRunning('first');
    for (const [name, memory] of [
      ['huge', '2Gi'],
      ['second', '600Mi'],
    ] as const) {
      await client.call('POST', pods, { body: sized(name, memory) });
      await expect
        .poll(async () => JSON.stringify(valueAt(await client.get(`${pods}/${name}`), 'status')), { timeout: 15_000 })
        .toContain('Insufficient memory');
    }
    await expect.poll(() => full.length, { timeout: 15_000 }).toBeGreaterThan(1);
    expect(new Set(full)).toEqual(new Set(['second']));
    await client.call('DELETE', `${pods}/first?gracePeriodSeconds=0`, {});
    await untilRunning('second');
  });
});
