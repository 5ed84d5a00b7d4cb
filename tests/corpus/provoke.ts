/**
 * Provokes situations of pods on a real cluster and writes down what Kubernetes says of them, in the format of
 * `situations/`. It makes pods of its own in the namespace `opencode-corpus` and removes them afterwards:
 *
 *     KUBECONFIG=… node tests/corpus/provoke.ts [--write FOLDER] [name …]
 *
 * Without `--write` it says what the engine makes of each. The cluster must have, or be able to pull, the image of
 * PROVOKE_IMAGE (busybox:1.35), and a default storage class.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions, type V1Pod } from '@kubernetes/client-node';

import { image, plays, probe, shell, type Play } from './plays.ts';
import { explainSituation, parseSituation } from './situations.ts';

const namespace = 'opencode-corpus';
const labels = { 'app.kubernetes.io/managed-by': 'opencode-corpus' };

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const api = kubeConfig.makeApiClient(CoreV1Api);
let cordoned: string | null = null;

function podOf(name: string, { container = {}, pod = {}, finalizers }: Play): V1Pod {
  const { volumes = [], ...spec } = pod;
  const { volumeMounts = [], ...own } = container;
  const workspace = { name: 'workspace', mountPath: '/workspace' };
  return {
    metadata: { name, labels, ...(finalizers ? { finalizers } : {}) },
    spec: {
      terminationGracePeriodSeconds: 2,
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'opencode-server',
          image,
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
    api.readNamespacedPersistentVolumeClaim({ namespace, name }),
    api.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.name=${name}` }),
  ]);
  const nodeName = pod?.spec?.nodeName;
  const node = nodeName === undefined ? null : await api.readNode({ name: nodeName });
  for (const object of [pod, pvc, node, ...events.items]) delete object?.metadata?.managedFields;
  const expect = { state: '', actor: '', mentions: [], codeHint: plays[name]?.reason ?? '' };
  return { name, how, capturedAt: new Date().toISOString(), pod, events: events.items, pvc, node, expect };
}

/** Makes the pod, and waits until the engine says what it is to say, or for so long. */
async function provoke(name: string, play: Play, limitMs: number): Promise<{ reason: string; file: object }> {
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
  await api.createNamespacedPod({ namespace, body: podOf(name, play) });
  let isDone = play.afterwards === undefined;
  for (const until = Date.now() + limitMs; ; await delay(500)) {
    const file = await captured(name, play.how);
    const { reason } = explainSituation(parseSituation(JSON.parse(JSON.stringify(file))));
    if (!isDone && reason === 'ready') {
      isDone = true;
      await doTo(name, file.pod?.spec?.nodeName ?? '', play.afterwards);
    } else if (reason === play.reason || Date.now() > until) return { reason, file };
  }
}

async function orNull<T>(read: Promise<T>): Promise<T | null> {
  return read.catch((error: { code?: number }) => {
    if (error.code === 404) return null;
    throw error;
  });
}

async function doTo(name: string, node: string, what: Play['afterwards']): Promise<void> {
  switch (what) {
    case 'drain':
      await cordon(node, true);
      await api.createNamespacedPodEviction({
        namespace,
        name,
        body: { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name } },
      });
      return;
    default:
      await api.deleteNamespacedPod({ namespace, name });
  }
}

async function cordon(name: string, unschedulable: boolean): Promise<void> {
  cordoned = unschedulable ? name : null;
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  await api.patchNode({ name, body: { spec: { unschedulable } } }, merge);
}

async function cleanUp(): Promise<void> {
  if (cordoned !== null) await cordon(cordoned, false);
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
const names = args.length === 0 ? Object.keys(plays) : args;
await api.createNamespace({ body: { metadata: { name: namespace } } });
let failures = 0;
try {
  const isAlone = (name: string) => plays[name]?.afterwards === 'drain';
  const lane = async (queue: string[]): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const play = plays[name];
      if (!play) throw new Error(`There is no situation "${name}". Known are: ${Object.keys(plays).join(', ')}.`);
      const { reason, file } = await provoke(name, play, 75_000);
      if (reason !== play.reason) failures += 1;
      process.stdout.write(`${reason === play.reason ? 'as wanted' : `WANTED ${play.reason}`}  ${name}: ${reason}\n`);
      if (folder !== null) {
        mkdirSync(folder, { recursive: true });
        writeFileSync(`${folder}/${name}.json`, `${JSON.stringify(file, null, 1)}\n`);
      }
    }
  };
  // A few at a time, so that one node is enough; what concerns the node itself comes last, one after the other.
  const together = names.filter((name) => !isAlone(name));
  await Promise.all(Array.from({ length: 8 }, () => lane(together)));
  for (const name of names.filter(isAlone)) {
    await lane([name]);
    if (cordoned !== null) await cordon(cordoned, false);
  }
} finally {
  await cleanUp();
}
process.exitCode = failures === 0 ? 0 : 1;
