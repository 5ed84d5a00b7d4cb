/** What to do to a pod, and the reason that comes of it: data alone, for `provoke.ts`. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

export const image = process.env['PROVOKE_IMAGE'] ?? 'busybox:1.35';

export interface Play {
  /** How it comes about, for the file. */
  how: string;
  /** What is otherwise than in a healthy pod: of the first container, of the pod, of its metadata. */
  container?: Partial<V1Container>;
  pod?: Partial<V1PodSpec>;
  finalizers?: string[];
  storageClass?: string;
  /** What is done to it as soon as it is ready; what is done to its node is done when nothing else runs. */
  afterwards?: 'delete' | 'drain';
  /** The reason that the engine must come to. */
  reason: string;
}

export const shell = (script: string): Partial<V1Container> => ({ command: ['sh', '-c', script] });
export const probe = (path: string, rest: object = {}) => ({
  httpGet: { path, port: 3000 },
  periodSeconds: 1,
  ...rest,
});

export const plays: Record<string, Play> = {
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
    afterwards: 'delete',
    pod: { terminationGracePeriodSeconds: 25 },
    reason: 'stopping',
  },
  'terminating-finalizer': {
    how: 'deleted, and held by a finalizer for more than half a minute',
    finalizers: ['example.com/hold'],
    afterwards: 'delete',
    reason: 'stuck-on-finalizer',
  },
  'missing-key': {
    how: 'an environment variable from a key that its ConfigMap does not have',
    container: { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'kube-root-ca.crt', key: 'nope' } } }] },
    reason: 'config-missing',
  },
  'seccomp-missing': {
    how: 'a seccomp profile that the node does not have',
    container: { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'nope.json' } } },
    reason: 'create-container-error',
  },
  'bad-working-dir': {
    how: 'a folder that cannot be made',
    container: { workingDir: '/proc/nope' },
    reason: 'start-error',
  },
  segfault: { how: 'dies of SIGSEGV', container: shell("sh -c 'kill -SEGV $$'; exit $?"), reason: 'crash-loop' },
  'out-of-memory-init': {
    how: 'an init container that fills 20 Mi of memory',
    pod: {
      initContainers: [
        {
          name: 'clone-repository',
          image,
          ...shell('x=a; while true; do x=$x$x; done'),
          resources: { limits: { memory: '20Mi' } },
        },
      ],
    },
    reason: 'out-of-memory',
  },
  'evicted-storage': {
    how: 'writes more than its limit of 4 Mi to the disk of its node',
    container: {
      ...shell('dd if=/dev/zero of=/tmp/full bs=1M count=16; sleep 600'),
      readinessProbe: { exec: { command: ['true'] } },
      resources: { limits: { 'ephemeral-storage': '4Mi' } },
    },
    reason: 'evicted',
  },
  drained: { how: 'its node is cordoned, and it is evicted by the API', afterwards: 'drain', reason: 'drained' },
};
