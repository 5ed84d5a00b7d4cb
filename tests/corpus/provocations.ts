/** Pods that provoke a failure, and the reason that the engine must find. Data for `provoke.ts`, hence the long file. */

import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

export const image = process.env['PROVOKE_IMAGE'] ?? 'busybox:1.35';

/** What `stage.ts` prepares in the cluster before the pod is created. */
export type Preparation =
  | 'taint'
  | 'quota'
  | 'claim-quota'
  | 'broken-webhook'
  | 'silent-provisioner'
  | 'refusing-provisioner'
  | 'volume-elsewhere'
  | 'unattachable-volume'
  | 'bound-to-node';

export interface Provocation {
  /** What causes the failure, for the captured file. */
  how: string;
  /** How it differs from a healthy pod: in the first container, in the pod spec and in the metadata. */
  container?: Partial<V1Container>;
  pod?: Partial<V1PodSpec>;
  finalizers?: string[];
  storageClass?: string;
  /** The image comes from the registry that `provoke.ts` starts, which answers with this HTTP status. */
  registryStatus?: number;
  before?: Preparation;
  /** What `provoke.ts` does to the pod as soon as the engine reports the reason in `after`. */
  afterwards?: 'delete' | 'drain' | 'preempt' | 'lose-node';
  /** `ready` by default. */
  after?: string;
  /** It affects the node or the namespace, so it must run when nothing else does. */
  isAlone?: true;
  /** The reason that the engine must find. */
  reason: string;
}

export const shell = (script: string): Partial<V1Container> => ({ command: ['sh', '-c', script] });
export const probe = (path: string, rest: object = {}) => ({
  httpGet: { path, port: 3000 },
  periodSeconds: 1,
  ...rest,
});

export const provocations: Record<string, Provocation> = {
  'healthy-running': { how: 'a healthy pod', reason: 'ready' },
  'image-unreachable': {
    how: 'an image from a host that does not exist',
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
  'exit-127': { how: 'runs a command that does not exist', container: shell('no-such-command'), reason: 'crash-loop' },
  'exit-143': {
    how: 'ends itself with SIGTERM',
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
    how: 'requests 999 CPUs',
    container: { resources: { requests: { cpu: '999' } } },
    reason: 'unschedulable',
  },
  'unschedulable-selector': {
    how: 'requires a label that no node has',
    pod: { nodeSelector: { nowhere: 'true' } },
    reason: 'unschedulable',
  },
  'no-storage-class': {
    how: 'a claim with a storage class that does not exist',
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
    how: 'exits with 0 and is not restarted',
    container: shell('exit 0'),
    pod: { restartPolicy: 'Never' },
    reason: 'completed',
  },
  'failed-restart-never': {
    how: 'exits with an error and is not restarted',
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
    how: 'an init container that reports that it could not clone the repository',
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
    how: 'deleted, with a slow preStop hook',
    container: { lifecycle: { preStop: { exec: { command: ['sleep', '20'] } } } },
    afterwards: 'delete',
    pod: { terminationGracePeriodSeconds: 25 },
    reason: 'stopping',
  },
  'terminating-finalizer': {
    how: 'deleted, and kept by a finalizer for more than half a minute',
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
    how: 'a folder that cannot be created',
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
  'registry-denied': { how: 'a registry that answers 401', registryStatus: 401, reason: 'image-denied' },
  'registry-not-found': { how: 'a registry that answers 404', registryStatus: 404, reason: 'image-not-found' },
  'registry-busy': { how: 'a registry that answers 429', registryStatus: 429, reason: 'image-rate-limited' },
  'registry-broken': { how: 'a registry that answers 503', registryStatus: 503, reason: 'image-unreachable' },
  'deleted-while-pulling': {
    how: 'deleted while its image cannot be pulled',
    registryStatus: 404,
    finalizers: ['example.com/hold'],
    after: 'image-not-found',
    afterwards: 'delete',
    reason: 'stopping',
  },
  'deleted-gone': { how: 'deleted by hand, and gone', afterwards: 'delete', reason: 'pod-gone' },
  'node-refused': {
    how: 'bound to a node whose labels do not match',
    before: 'bound-to-node',
    pod: { nodeSelector: { nowhere: 'true' } },
    reason: 'node-refused',
  },
  'other-zone': {
    how: 'its volume can only be used in another zone',
    before: 'volume-elsewhere',
    storageClass: '',
    reason: 'unschedulable',
  },
  'attach-failed': {
    how: 'its volume belongs to a driver whose attacher reports an error',
    before: 'unattachable-volume',
    storageClass: '',
    reason: 'attach-failed',
  },
  'provisioner-silent': {
    how: 'a storage class whose provisioner does not run',
    before: 'silent-provisioner',
    storageClass: 'opencode-corpus-silent',
    reason: 'volume-pending',
  },
  'provisioning-failed': {
    how: 'a storage class with mount options that its provisioner refuses',
    before: 'refusing-provisioner',
    storageClass: 'opencode-corpus-refusing',
    reason: 'volume-pending',
  },
  'priority-class-missing': {
    how: 'names a priority class that does not exist',
    pod: { priorityClassName: 'nobody' },
    reason: 'priority-class-missing',
  },
  'invalid-spec': {
    how: 'requests more than its own limit',
    container: { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } },
    reason: 'invalid-spec',
  },
  'webhook-unreachable': {
    how: 'an admission webhook that does not answer',
    before: 'broken-webhook',
    reason: 'admission-unavailable',
  },
  'quota-of-pods': { how: 'the quota allows no pod', before: 'quota', isAlone: true, reason: 'quota-exceeded' },
  'quota-of-claims': {
    how: 'the quota allows no claim',
    before: 'claim-quota',
    isAlone: true,
    reason: 'quota-exceeded',
  },
  tainted: { how: 'the node is reserved for other work', before: 'taint', isAlone: true, reason: 'unschedulable' },
  drained: {
    how: 'its node is cordoned, and the API evicts it',
    afterwards: 'drain',
    isAlone: true,
    reason: 'drained',
  },
  preempted: {
    how: 'a pod of higher priority needs its place',
    container: { resources: { requests: { cpu: '1100m' } } },
    pod: { terminationGracePeriodSeconds: 10 },
    afterwards: 'preempt',
    isAlone: true,
    reason: 'preempted',
  },
  'node-lost': {
    how: 'the kubelet of its node no longer answers (PROVOKE_NODE_DOWN), and somebody deletes it',
    afterwards: 'lose-node',
    isAlone: true,
    reason: 'node-lost',
  },
};
