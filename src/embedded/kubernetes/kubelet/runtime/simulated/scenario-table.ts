/** All scenarios. The file has only data, some lines for each scenario, so it is longer than other files. */

import type { Scenario } from './scenarios.ts';

const resolveFailure = (image: string, cause: string): string =>
  `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${cause}`;
const headRequest = (image: string) => `failed to do request: Head "https://${hostOf(image)}/v2/": `;

type ScenarioFactory = (image: string, match: RegExpExecArray) => Scenario;
const clone = (kind: string, shows: string, text: string) =>
  [`clone-${kind}`, () => ({ shows, init: { code: 0, lastMessage: `clone-failed: ${kind}: ${text}` } })] as const;

export const scenarioTable: readonly (readonly [name: string, createScenario: ScenarioFactory])[] = [
  // the repository
  clone(
    'not-found',
    'The repository does not exist.',
    "fatal: repository 'https://git.example.com/team/app/' not found",
  ),
  clone(
    'denied',
    'The repository requires a sign-in.',
    "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
  ),
  clone(
    'unreachable',
    'The host name of the repository cannot be resolved.',
    "fatal: unable to access 'https://git.example.com/team/app/': Could not resolve host: git.example.com",
  ),
  clone('timeout', 'Cloning exceeds its time limit.', 'It did not end within 300 seconds.'),
  clone('no-space', 'The volume is too small for the repository.', 'fatal: write error: No space left on device'),
  ['clone-slow', () => ({ shows: 'Cloning never ends.', init: { isSlow: true } })],
  [
    'init-failed',
    () => ({
      shows: 'The init container exits with code 128.',
      init: { code: 128, lastMessage: 'fatal: not a git repository' },
    }),
  ],
  // images
  [
    'not-found',
    (image) => ({
      shows: 'The image is not in the registry.',
      pull: { failure: resolveFailure(image, `${image}: not found`).replace('Unknown', 'NotFound') },
    }),
  ],
  [
    'denied',
    (image) => ({
      shows: 'The registry requires a sign-in.',
      pull: {
        failure: resolveFailure(
          image,
          'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
        ),
      },
    }),
  ],
  [
    'unreachable',
    (image) => ({
      shows: 'The host name of the registry cannot be resolved.',
      pull: { failure: resolveFailure(image, `${headRequest(image)}dial tcp: lookup ${hostOf(image)}: no such host`) },
    }),
  ],
  [
    'registry-503',
    (image) => ({
      shows: 'The registry answers 503.',
      pull: {
        failure: resolveFailure(
          image,
          `unexpected status from HEAD request to https://${hostOf(image)}/v2/: 503 Service Unavailable`,
        ),
      },
    }),
  ],
  [
    'rate-limited',
    (image) => ({
      shows: 'The pull rate limit of the registry is exceeded.',
      pull: {
        failure: resolveFailure(
          image,
          'unexpected status code 429 Too Many Requests: toomanyrequests: You have reached your pull rate limit',
        ),
      },
    }),
  ],
  [
    'untrusted',
    (image) => ({
      shows: 'The certificate of the registry is not trusted.',
      pull: {
        failure: resolveFailure(
          image,
          `${headRequest(image)}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
        ),
      },
    }),
  ],
  ['slow-pull', () => ({ shows: 'Pulling the image takes a minute.', pull: { isSlow: true } })],
  [
    'invalid-name',
    (image) => ({
      shows: 'The image name is invalid.',
      createError: {
        reason: 'InvalidImageName',
        message: `Failed to apply default image tag "${image}": couldn't parse image reference "${image}": invalid reference format`,
      },
    }),
  ],
  // containers
  [
    'config-error',
    () => ({
      shows: 'A key is missing in a ConfigMap.',
      createError: {
        reason: 'CreateContainerConfigError',
        message: "couldn't find key settings in ConfigMap opencode/opencode-config",
      },
    }),
  ],
  [
    'secret-missing',
    () => ({
      shows: 'A Secret does not exist.',
      createError: { reason: 'CreateContainerConfigError', message: 'secret "llm-keys" not found' },
    }),
  ],
  [
    'create-error',
    () => ({
      shows: 'The node cannot create the container.',
      createError: {
        reason: 'CreateContainerError',
        message:
          'failed to create containerd container: cannot load seccomp profile "/var/lib/kubelet/seccomp/nope.json": no such file or directory',
      },
    }),
  ],
  [
    'start-error',
    () => ({
      shows: 'The program of the container is not executable.',
      createError: {
        reason: 'RunContainerError',
        message:
          'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/etc/passwd": permission denied: unknown',
      },
    }),
  ],
  [
    'hook-failed',
    () => ({
      shows: 'The postStart hook fails.',
      createError: {
        reason: "PostStartHookError: command 'sh -c prepare' exited with 5: ",
        message: 'Exec lifecycle hook ([sh -c prepare]) for Container "opencode-server" failed',
      },
    }),
  ],
  [
    'crash-once',
    () => ({
      shows: 'The container exits with code 1 once, then runs.',
      exit: { code: 1, reason: 'Error', onlyOnce: true },
    }),
  ],
  [
    'crash',
    () => ({ shows: 'The container exits with code 1 soon after each start.', exit: { code: 1, reason: 'Error' } }),
  ],
  [
    'segfault',
    () => ({ shows: 'The container crashes with a segmentation fault.', exit: { code: 139, reason: 'Error' } }),
  ],
  [
    'exit-(\\d{1,3})',
    (_image, match) => {
      const code = Math.min(255, Number(match[1]));
      return {
        shows: 'The container exits with this code soon after each start. Code 0 counts as completed.',
        exit: { code, reason: code === 0 ? 'Completed' : 'Error' },
      };
    },
  ],
  [
    'oom',
    () => ({
      shows: 'The container exceeds its memory limit and is killed.',
      exit: { code: 137, reason: 'OOMKilled' },
    }),
  ],
  // probes
  [
    'never-started',
    () => ({ shows: 'The startup probe fails until the container is restarted.', failingProbe: 'startup' }),
  ],
  ['never-ready', () => ({ shows: 'The readiness probe always fails.', failingProbe: 'readiness' })],
  [
    'ready-404',
    () => ({
      shows: 'The readiness probe gets status 404.',
      failingProbe: 'readiness',
      probeFailure: 'HTTP probe failed with statuscode: 404',
    }),
  ],
  [
    'ready-timeout',
    () => ({
      shows: 'The readiness probe times out.',
      failingProbe: 'readiness',
      probeFailure:
        'Get "http://10.244.0.12:3000/global/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    }),
  ],
  [
    'liveness',
    () => ({
      shows: 'The container becomes ready, then the liveness probe fails and it is restarted.',
      failingProbe: 'liveness',
    }),
  ],
  // nodes
  ['unschedulable', () => ({ shows: 'No node has enough CPU.', unschedulable: '1 Insufficient cpu' })],
  ['no-memory', () => ({ shows: 'No node has enough memory.', unschedulable: '1 Insufficient memory' })],
  [
    'tainted',
    () => ({
      shows: 'All nodes have a taint that the pod does not tolerate.',
      unschedulable: '1 node(s) had untolerated taint {maintenance: true}',
    }),
  ],
  [
    'disk-pressure',
    () => ({
      shows: 'The disk of the node is nearly full.',
      unschedulable: '1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }',
    }),
  ],
  [
    'wrong-zone',
    () => ({
      shows: 'The volume is in another zone than the nodes.',
      unschedulable: '1 node(s) had volume node affinity conflict',
    }),
  ],
  [
    'scale-up',
    () => ({
      shows: 'The autoscaler adds a node.',
      unschedulable: '1 Insufficient cpu',
      scaleUp: 'pod triggered scale-up: [{group-workers 2->3 (max: 10)}]',
    }),
  ],
  ['no-scheduler', () => ({ shows: 'No scheduler handles the pod.', silent: 'scheduler' })],
  ['silent-node', () => ({ shows: 'The node does not start the pod.', silent: 'node' })],
  ['node-lost', () => ({ shows: 'The node of the running pod stops reporting.', nodeLost: true })],
  [
    'evicted',
    () => ({
      shows: 'The pod is evicted because the node is short of memory, and started again.',
      podEnd: {
        reason: 'Evicted',
        message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 91Mi.',
      },
    }),
  ],
  [
    'deadline',
    () => ({
      shows: 'The pod exceeds its deadline.',
      podEnd: { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' },
    }),
  ],
  [
    'preempted',
    () => ({
      shows: 'The pod is preempted once by a pod of higher priority.',
      leaves: {
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
        event: { reason: 'Preempted', component: 'default-scheduler' },
      },
    }),
  ],
  [
    'drained',
    () => ({
      shows: 'The pod is evicted once from a node that is drained.',
      leaves: { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
    }),
  ],
  [
    'refused',
    () => ({
      shows: 'The node refuses the pod.',
      podEnd: { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' },
    }),
  ],
  // refusals of the API
  [
    'quota',
    () => ({
      shows: 'The resource quota of the namespace is used up.',
      refusal:
        'exceeded quota: tenant-compute, requested: requests.cpu=150m, used: requests.cpu=950m, limited: requests.cpu=1',
    }),
  ],
  [
    'policy',
    () => ({
      shows: 'A policy of the cluster denies the pod.',
      refusal: 'admission webhook "images.policy.example.com" denied the request: its registry is not allowed',
    }),
  ],
  // volumes
  [
    'volume-pending',
    () => ({
      shows: 'The storage class does not exist.',
      unschedulable: 'pod has unbound immediate PersistentVolumeClaims',
      provisioningFailure: 'storageclass.storage.k8s.io "fast-ssd" not found',
    }),
  ],
  [
    'mount-failed',
    () => ({
      shows: 'A volume needs a Secret that does not exist.',
      mount: {
        reason: 'FailedMount',
        message: 'MountVolume.SetUp failed for volume "extra" : secret "git-credentials" not found',
      },
    }),
  ],
  [
    'attach-failed',
    () => ({
      shows: 'The volume cannot be attached.',
      mount: {
        reason: 'FailedAttachVolume',
        message:
          'AttachVolume.Attach failed for volume "pv-1" : rpc error: code = ResourceExhausted desc = maximum number of volumes on node reached',
      },
    }),
  ],
  [
    'multi-attach',
    () => ({
      shows: 'The volume is still attached to another node.',
      mount: {
        reason: 'FailedAttachVolume',
        message:
          'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can\'t be attached to another',
      },
    }),
  ],
  [
    'no-network',
    () => ({
      shows: 'The node cannot set up the network of the pod.',
      mount: {
        reason: 'FailedCreatePodSandBox',
        message:
          'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "5b0d": plugin type="calico" failed (add)',
      },
    }),
  ],
];

function hostOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  return image.includes('/') && /[.:]/.test(first) ? first : 'registry-1.docker.io';
}
