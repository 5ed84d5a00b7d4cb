/**
 * Provokes failures of pods on a real cluster and captures what Kubernetes reports about them, in the format of `snapshots/`.
 * It creates pods in the namespace `opencode-corpus` and deletes them afterwards:
 *
 *     KUBECONFIG=… node tests/corpus/provoke.ts [--write FOLDER] [name …]
 *
 * Without `--write` it prints the reason that the engine finds for each. The cluster needs the image of PROVOKE_IMAGE
 * (busybox:1.35), or must be able to pull it, and a default storage class. Two kinds need more, and are skipped without it:
 * PROVOKE_REGISTRY, an address of this machine (such as `127.0.0.1:9`) from which its node pulls images over plain HTTP; and
 * PROVOKE_NODE_DOWN with PROVOKE_NODE_UP, shell commands that halt and continue the kubelet of its node.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { ApiException, KubeConfig, type V1Pod } from '@kubernetes/client-node';

import { image, provocations, probe, shell, type Provocation } from './provocations.ts';
import { diagnoseSnapshot, parseSnapshot } from './snapshots.ts';
import { brokenWebhookLabel, createStage, labels, namespace, priorityClass, startRegistry } from './stage.ts';

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const stage = createStage(kubeConfig);
const { api } = stage;
const { PROVOKE_REGISTRY: listen, PROVOKE_NODE_DOWN: nodeDown, PROVOKE_NODE_UP: nodeUp } = process.env;
const registry = listen === undefined ? null : await startRegistry(addressOf(listen));

function addressOf(text: string): { host: string; port: number } {
  const [host = '', port] = text.split(':');
  return { host, port: Number(port) };
}

/** The environment variable that it needs and that is not set. */
function missingVariable({ registryStatus, afterwards }: Provocation): string | null {
  if (registryStatus !== undefined && registry === null) return 'PROVOKE_REGISTRY';
  if (afterwards === 'lose-node' && (nodeDown === undefined || nodeUp === undefined))
    return 'PROVOKE_NODE_DOWN and PROVOKE_NODE_UP';
  return null;
}

async function podOf(name: string, provocation: Provocation): Promise<V1Pod> {
  const { container = {}, pod = {}, finalizers, registryStatus, before } = provocation;
  const { volumes = [], ...spec } = pod;
  const { volumeMounts = [], ...containerFields } = container;
  const workspace = { name: 'workspace', mountPath: '/workspace' };
  return {
    metadata: {
      name,
      labels: { ...labels, ...(before === 'broken-webhook' ? brokenWebhookLabel : {}) },
      ...(finalizers ? { finalizers } : {}),
    },
    spec: {
      terminationGracePeriodSeconds: 2,
      ...(before === 'bound-to-node' ? { nodeName: await stage.nodeName() } : {}),
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'opencode-server',
          image: registryStatus === undefined ? image : `${registry?.host}/team/app:v${registryStatus}`,
          ...shell('mkdir -p /tmp/www; echo ok > /tmp/www/index.html; exec httpd -f -p 3000 -h /tmp/www'),
          readinessProbe: probe('/'),
          ...containerFields,
          volumeMounts: [workspace, ...volumeMounts],
        },
      ],
      volumes: [{ name: 'workspace', persistentVolumeClaim: { claimName: name } }, ...volumes],
      ...spec,
    },
  };
}

async function capture(name: string, how: string) {
  const [pod, pvc, events] = await Promise.all([
    orNull(api.readNamespacedPod({ namespace, name })),
    orNull(api.readNamespacedPersistentVolumeClaim({ namespace, name })),
    api.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.name=${name}` }),
  ]);
  const nodeName = pod?.spec?.nodeName;
  const node = nodeName === undefined ? null : await api.readNode({ name: nodeName });
  for (const object of [pod, pvc, node, ...events.items]) delete object?.metadata?.managedFields;
  const expect = { state: '', actor: '', mentions: [], codeHint: provocations[name]?.reason ?? '' };
  return { name, how, capturedAt: new Date().toISOString(), pod, events: events.items, pvc, node, expect };
}

const diagnosed = (file: object) => diagnoseSnapshot(parseSnapshot(JSON.parse(JSON.stringify(file)))).reason;

/** Creates the pod and waits until the engine finds the expected reason, at most `limitMs`. */
async function provoke(
  name: string,
  provocation: Provocation,
  limitMs: number,
): Promise<{ reason: string; file: object }> {
  await stage.prepare(provocation.before, name);
  try {
    await create(name, provocation);
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    // The refusal itself may be the expected result.
    const status: unknown = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
    const file = { ...(await capture(name, provocation.how)), httpStatus: error.code, status };
    return { reason: diagnosed(file), file };
  }
  await stage.whileWaiting(provocation.before);
  let isDone = provocation.afterwards === undefined;
  for (const until = Date.now() + limitMs; ; await delay(500)) {
    const file = await capture(name, provocation.how);
    const reason = diagnosed(file);
    if (!isDone && reason === (provocation.after ?? 'ready')) {
      isDone = true;
      await runAfterwards(name, provocation.afterwards);
    } else if (reason === provocation.reason || Date.now() > until) return { reason, file };
  }
}

async function create(name: string, provocation: Provocation): Promise<void> {
  await api.createNamespacedPersistentVolumeClaim({
    namespace,
    body: {
      metadata: { name, labels },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '16Mi' } },
        ...(provocation.storageClass === undefined ? {} : { storageClassName: provocation.storageClass }),
      },
    },
  });
  await api.createNamespacedPod({ namespace, body: await podOf(name, provocation) });
}

async function orNull<T>(read: Promise<T>): Promise<T | null> {
  return read.catch((error: { code?: number }) => {
    if (error.code === 404) return null;
    throw error;
  });
}

async function runAfterwards(name: string, action: Provocation['afterwards']): Promise<void> {
  switch (action) {
    case 'drain':
      await stage.changeNode({ unschedulable: true });
      await api.createNamespacedPodEviction({
        namespace,
        name,
        body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
      });
      return;
    case 'preempt': {
      await stage.makePriorityClass();
      const rival = await podOf(name, provocations[name] ?? { how: '', reason: '' });
      rival.metadata = { name: 'rival', labels };
      if (rival.spec) Object.assign(rival.spec, { priorityClassName: priorityClass, volumes: [] });
      for (const container of rival.spec?.containers ?? []) container.volumeMounts = [];
      await api.createNamespacedPod({ namespace, body: rival });
      stage.undoLater(() => api.deleteNamespacedPod({ namespace, name: 'rival' }));
      return;
    }
    case 'lose-node':
      execFileSync('sh', ['-c', nodeDown ?? 'false']);
      stage.undoLater(() => Promise.resolve(execFileSync('sh', ['-c', nodeUp ?? 'false'])));
      return;
    default:
      await api.deleteNamespacedPod({ namespace, name });
  }
}

async function cleanUp(): Promise<void> {
  registry?.server.close();
  await stage.restore();
  const { items } = await api.listNamespacedPod({ namespace });
  for (const pod of items.filter(({ metadata }) => metadata?.finalizers?.length)) {
    const body = JSON.parse(JSON.stringify(pod)) as V1Pod; // a copy keeps its type
    if (body.metadata) body.metadata.finalizers = [];
    await api.replaceNamespacedPod({ namespace, name: body.metadata?.name ?? '', body });
  }
  await api.deleteNamespace({ name: namespace });
}

const args = process.argv.slice(2);
const writeAt = args.indexOf('--write');
const folder = writeAt < 0 ? null : (args.splice(writeAt, 2)[1] ?? null);
const selected = (args.length === 0 ? Object.keys(provocations) : args).map((name) => {
  const found = provocations[name];
  if (!found)
    throw new Error(`There is no provocation "${name}". Known names: ${Object.keys(provocations).join(', ')}.`);
  return { name, provocation: found };
});
let failures = 0;

async function runAll(queue: typeof selected): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { name, provocation } = next;
    const missing = missingVariable(provocation);
    if (missing !== null) {
      process.stdout.write(`skipped  ${name}: it needs ${missing}\n`);
      continue;
    }
    const { reason, file } = await provoke(name, provocation, 90_000);
    const isExpected = reason === provocation.reason;
    if (!isExpected) failures += 1;
    process.stdout.write(`${isExpected ? 'as expected' : `EXPECTED ${provocation.reason}`}  ${name}: ${reason}\n`);
    if (folder === null) continue;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${name}.json`, `${JSON.stringify(file, null, 1)}\n`);
  }
}

await api.createNamespace({ body: { metadata: { name: namespace } } });
try {
  // Eight at a time, so that one node is enough. Those that affect the node or the namespace run last, one at a time.
  const together = selected.filter(({ provocation }) => provocation.isAlone !== true);
  await Promise.all(Array.from({ length: 8 }, () => runAll(together)));
  await stage.restore();
  for (const each of selected.filter(({ provocation }) => provocation.isAlone === true)) {
    await runAll([each]);
    await stage.restore();
  }
} finally {
  await cleanUp();
}
process.exitCode = failures === 0 ? 0 : 1;
