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

import { CoreV1Api, KubeConfig, type V1Container, type V1Pod, type V1PodSpec } from '@kubernetes/client-node';

import { explainSituation, parseSituation } from './situations.ts';

const namespace = 'opencode-corpus';
const image = process.env['PROVOKE_IMAGE'] ?? 'busybox:1.35';
const labels = { 'app.kubernetes.io/managed-by': 'opencode-corpus' };

interface Play {
  /** How it comes about, for the file. */
  how: string;
  /** What is otherwise than in a healthy pod: of the first container, of the pod, of its metadata. */
  container?: Partial<V1Container>;
  pod?: Partial<V1PodSpec>;
  finalizers?: string[];
  storageClass?: string;
  /** Deleted as soon as it runs. */
  isDeleted?: boolean;
  /** The reason that the engine must come to. */
  reason: string;
}

const shell = (script: string): Partial<V1Container> => ({ command: ['sh', '-c', script] });
const probe = (path: string, rest: object = {}) => ({ httpGet: { path, port: 3000 }, periodSeconds: 1, ...rest });

const plays: Record<string, Play> = {
  'healthy-running': { how: 'a pod that is well', reason: 'ready' },
  'image-unreachable': {
    how: 'an image of a host that does not exist',
    container: { image: 'registry.invalid/team/app:v1' },
    reason: 'image-unreachable',
  },
  'invalid-image-name': {
    how: 'an image name with capitals',
    container: { image: 'registry.invalid/Team/App:v1' },
    reason: 'image-invalid-name',
  },
  'exit-1': { how: 'exits with 1', container: shell('exit 1'), reason: 'crash-loop' },
  'exit-0': { how: 'exits with 0', container: shell('exit 0'), reason: 'completed-loop' },
  'exit-127': { how: 'runs a command that is not there', container: shell('no-such-command'), reason: 'crash-loop' },
  'exit-143': {
    how: 'ends itself by SIGTERM',
    container: shell('kill -TERM 1; kill -TERM $$; sleep 5; exit 143'),
    reason: 'crash-loop',
  },
  'out-of-memory': {
    how: 'fills 20 Mi of memory',
    container: { ...shell('x=a; while true; do x=$x$x; done'), resources: { limits: { memory: '20Mi' } } },
    reason: 'out-of-memory',
  },
  'start-permission-denied': {
    how: 'runs a file that is not executable',
    container: { command: ['/etc/passwd'] },
    reason: 'start-error',
  },
  'hook-failed': {
    how: 'a postStart hook that exits with 5',
    container: { lifecycle: { postStart: { exec: { command: ['sh', '-c', 'exit 5'] } } } },
    reason: 'hook-failed',
  },
  'missing-secret': {
    how: 'an environment variable from a missing secret',
    container: { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'llm-keys', key: 'a' } } }] },
    reason: 'config-missing',
  },
  'missing-volume-secret': {
    how: 'a volume of a missing secret',
    pod: { volumes: [{ name: 'extra', secret: { secretName: 'git-credentials' } }] },
    container: { volumeMounts: [{ name: 'extra', mountPath: '/extra' }] },
    reason: 'mount-failed',
  },
  'readiness-404': {
    how: 'answers its readiness probe with 404',
    container: { readinessProbe: probe('/nothing') },
    reason: 'readiness-failing',
  },
  'liveness-404': {
    how: 'answers its liveness probe with 404',
    container: { livenessProbe: probe('/nothing', { failureThreshold: 2 }) },
    reason: 'liveness-failing',
  },
  'startup-404': {
    how: 'answers its startup probe with 404',
    container: { startupProbe: probe('/nothing', { failureThreshold: 2 }) },
    reason: 'startup-failing',
  },
  'unschedulable-cpu': {
    how: 'asks for 999 CPUs',
    container: { resources: { requests: { cpu: '999' } } },
    reason: 'unschedulable',
  },
  'unschedulable-selector': {
    how: 'asks for a label that no node has',
    pod: { nodeSelector: { nowhere: 'true' } },
    reason: 'unschedulable',
  },
  'no-storage-class': {
    how: 'a claim of a storage class that does not exist',
    storageClass: 'does-not-exist',
    reason: 'volume-pending',
  },
  'no-scheduler': {
    how: 'names a scheduler that does not exist',
    pod: { schedulerName: 'nobody' },
    reason: 'waiting-for-node',
  },
  'deadline-exceeded': {
    how: 'may run for three seconds',
    pod: { activeDeadlineSeconds: 3 },
    reason: 'deadline-exceeded',
  },
  succeeded: {
    how: 'ends well and is not started again',
    container: shell('exit 0'),
    pod: { restartPolicy: 'Never' },
    reason: 'completed',
  },
  'failed-restart-never': {
    how: 'ends badly and is not started again',
    container: shell('exit 3'),
    pod: { restartPolicy: 'Never' },
    reason: 'pod-failed',
  },
  'init-failed': {
    how: 'an init container that exits with 128',
    pod: {
      initContainers: [
        {
          name: 'clone-repository',
          image,
          command: ['sh', '-c', 'echo fatal: not found > /dev/termination-log; exit 128'],
        },
      ],
    },
    reason: 'init-failed',
  },
  'clone-failed': {
    how: 'an init container that says that it could not clone',
    pod: {
      initContainers: [
        {
          name: 'clone-repository',
          image,
          command: ['sh', '-c', "printf 'clone-failed: denied: fatal: Authentication failed' > /dev/termination-log"],
        },
      ],
    },
    reason: 'clone-failed',
  },
  'terminating-pre-stop': {
    how: 'deleted, with a preStop hook that takes its time',
    container: { lifecycle: { preStop: { exec: { command: ['sleep', '20'] } } } },
    isDeleted: true,
    pod: { terminationGracePeriodSeconds: 25 },
    reason: 'stopping',
  },
  'terminating-finalizer': {
    how: 'deleted, and held by a finalizer for more than half a minute',
    finalizers: ['example.com/hold'],
    isDeleted: true,
    reason: 'stuck-on-finalizer',
  },
};

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const api = kubeConfig.makeApiClient(CoreV1Api);

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
    api.readNamespacedPod({ namespace, name }),
    api.readNamespacedPersistentVolumeClaim({ namespace, name }),
    api.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.name=${name}` }),
  ]);
  for (const object of [pod, pvc, ...events.items]) delete object.metadata?.managedFields;
  const expect = { state: '', actor: '', mentions: [], codeHint: plays[name]?.reason ?? '' };
  return { name, how, capturedAt: new Date().toISOString(), pod, events: events.items, pvc, node: null, expect };
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
  let isDeleted = play.isDeleted !== true;
  for (const until = Date.now() + limitMs; ; await delay(500)) {
    const file = await captured(name, play.how);
    const { reason } = explainSituation(parseSituation(JSON.parse(JSON.stringify(file))));
    if (!isDeleted && reason === 'ready') {
      isDeleted = true;
      await api.deleteNamespacedPod({ namespace, name });
    } else if (reason === play.reason || Date.now() > until) return { reason, file };
  }
}

async function cleanUp(): Promise<void> {
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
  // A few at a time, so that one node is enough.
  const queue = [...names];
  const lane = async (): Promise<void> => {
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
  await Promise.all(Array.from({ length: 8 }, lane));
} finally {
  await cleanUp();
}
process.exitCode = failures === 0 ? 0 : 1;
