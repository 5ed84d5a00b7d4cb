/**
 * Provokes situations of pods on a real cluster and writes down what Kubernetes says of them, in the format of
 * `snapshots/`. It makes pods of its own in the namespace `opencode-corpus` and removes them afterwards:
 *
 *     KUBECONFIG=… node tests/corpus/provoke.ts [--write FOLDER] [name …]
 *
 * Without `--write` it says what the engine makes of each. The cluster must have, or be able to pull, the image of
 * PROVOKE_IMAGE (busybox:1.35), and a default storage class. Two kinds need more, and are left out with a word without it:
 * PROVOKE_REGISTRY, an address of this machine (as `127.0.0.1:9`) where its node looks for images over plain HTTP; and
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

/** What is missing for it, if anything is. */
function lackOf({ registryStatus, afterwards }: Provocation): string | null {
  if (registryStatus !== undefined && registry === null) return 'PROVOKE_REGISTRY';
  if (afterwards === 'lose-node' && (nodeDown === undefined || nodeUp === undefined))
    return 'PROVOKE_NODE_DOWN and PROVOKE_NODE_UP';
  return null;
}

async function podOf(name: string, play: Provocation): Promise<V1Pod> {
  const { container = {}, pod = {}, finalizers, registryStatus, before } = play;
  const { volumes = [], ...spec } = pod;
  const { volumeMounts = [], ...own } = container;
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
          ...own,
          volumeMounts: [workspace, ...volumeMounts],
        },
      ],
      volumes: [{ name: 'workspace', persistentVolumeClaim: { claimName: name } }, ...volumes],
      ...spec,
    },
  };
}

async function captured(name: string, how: string) {
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

/** Makes the pod, and waits until the engine says what it is to say, or for so long. */
async function provoke(name: string, play: Provocation, limitMs: number): Promise<{ reason: string; file: object }> {
  await stage.prepare(play.before, name);
  try {
    await make(name, play);
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    // It is the answer that is wanted, or it is shown that it is not.
    const status: unknown = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
    const file = { ...(await captured(name, play.how)), httpStatus: error.code, status };
    return { reason: diagnosed(file), file };
  }
  await stage.accompany(play.before);
  let isDone = play.afterwards === undefined;
  for (const until = Date.now() + limitMs; ; await delay(500)) {
    const file = await captured(name, play.how);
    const reason = diagnosed(file);
    if (!isDone && reason === (play.after ?? 'ready')) {
      isDone = true;
      await doTo(name, play.afterwards);
    } else if (reason === play.reason || Date.now() > until) return { reason, file };
  }
}

async function make(name: string, play: Provocation): Promise<void> {
  await api.createNamespacedPersistentVolumeClaim({
    namespace,
    body: {
      metadata: { name, labels },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '16Mi' } },
        ...(play.storageClass === undefined ? {} : { storageClassName: play.storageClass }),
      },
    },
  });
  await api.createNamespacedPod({ namespace, body: await podOf(name, play) });
}

async function orNull<T>(read: Promise<T>): Promise<T | null> {
  return read.catch((error: { code?: number }) => {
    if (error.code === 404) return null;
    throw error;
  });
}

async function doTo(name: string, what: Provocation['afterwards']): Promise<void> {
  switch (what) {
    case 'drain':
      await stage.changeNode({ unschedulable: true });
      await api.createNamespacedPodEviction({
        namespace,
        name,
        body: { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name } },
      });
      return;
    case 'preempt': {
      await stage.makePriorityClass();
      const rival = await podOf(name, provocations[name] ?? { how: '', reason: '' });
      rival.metadata = { name: 'rival', labels };
      if (rival.spec) Object.assign(rival.spec, { priorityClassName: priorityClass, volumes: [] });
      for (const container of rival.spec?.containers ?? []) container.volumeMounts = [];
      await api.createNamespacedPod({ namespace, body: rival });
      stage.afterwards(() => api.deleteNamespacedPod({ namespace, name: 'rival' }));
      return;
    }
    case 'lose-node':
      execFileSync('sh', ['-c', nodeDown ?? 'false']);
      stage.afterwards(() => Promise.resolve(execFileSync('sh', ['-c', nodeUp ?? 'false'])));
      return;
    default:
      await api.deleteNamespacedPod({ namespace, name });
  }
}

async function cleanUp(): Promise<void> {
  registry?.server.close();
  await stage.putBack();
  const { items } = await api.listNamespacedPod({ namespace });
  for (const pod of items.filter(({ metadata }) => metadata?.finalizers?.length)) {
    const body = JSON.parse(JSON.stringify(pod)) as V1Pod; // as it was read
    if (body.metadata) body.metadata.finalizers = [];
    await api.replaceNamespacedPod({ namespace, name: body.metadata?.name ?? '', body });
  }
  await api.deleteNamespace({ name: namespace });
}

const args = process.argv.slice(2);
const writeAt = args.indexOf('--write');
const folder = writeAt < 0 ? null : (args.splice(writeAt, 2)[1] ?? null);
const desired = (args.length === 0 ? Object.keys(provocations) : args).map((name) => {
  const found = provocations[name];
  if (!found) throw new Error(`There is no situation "${name}". Known are: ${Object.keys(provocations).join(', ')}.`);
  return { name, play: found };
});
let failures = 0;

async function playAll(queue: typeof desired): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { name, play: snapshot } = next;
    const lack = lackOf(snapshot);
    if (lack !== null) {
      process.stdout.write(`left out  ${name}: it needs ${lack}\n`);
      continue;
    }
    const { reason, file } = await provoke(name, snapshot, 90_000);
    const isAsDesired = reason === snapshot.reason;
    if (!isAsDesired) failures += 1;
    process.stdout.write(`${isAsDesired ? 'as wanted' : `WANTED ${snapshot.reason}`}  ${name}: ${reason}\n`);
    if (folder === null) continue;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/${name}.json`, `${JSON.stringify(file, null, 1)}\n`);
  }
}

await api.createNamespace({ body: { metadata: { name: namespace } } });
try {
  // A few at a time, so that one node is enough; what concerns all comes last, one after the other.
  const together = desired.filter((snapshot) => snapshot.play.isAlone !== true);
  await Promise.all(Array.from({ length: 8 }, () => playAll(together)));
  await stage.putBack();
  for (const snapshot of desired.filter(({ play: { isAlone } }) => isAlone === true)) {
    await playAll([snapshot]);
    await stage.putBack();
  }
} finally {
  await cleanUp();
}
process.exitCode = failures === 0 ? 0 : 1;
