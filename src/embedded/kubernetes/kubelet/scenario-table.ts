/** Every situation that can be played: data alone, a line or some for each, so it may be longer than a file of code. */

import type { Scenario } from './scenarios.ts';

const resolve = (image: string, why: string): string =>
  `rpc error: code = Unknown desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${why}`;
const head = (image: string) => `failed to do request: Head "https://${hostOf(image)}/v2/": `;

type ScenarioFactory = (image: string, match: RegExpExecArray) => Scenario;
const clone = (kind: string, shows: string, text: string) =>
  [`clone-${kind}`, () => ({ shows, init: { code: 0, lastMessage: `clone-failed: ${kind}: ${text}` } })] as const;

export const scenarioTable: readonly (readonly [word: string, createScenario: ScenarioFactory])[] = [
  // the repository
  clone(
    'not-found',
    'there is no repository at this address',
    "fatal: repository 'https://git.example.com/team/app/' not found",
  ),
  clone(
    'denied',
    'the repository asks for a sign-in',
    "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled",
  ),
  clone(
    'unreachable',
    'the server of the repository is not found',
    "fatal: unable to access 'https://git.example.com/team/app/': Could not resolve host: git.example.com",
  ),
  clone('timeout', 'cloning takes longer than it may', 'It did not end within 300 seconds.'),
  clone('no-space', 'the volume is too small for the repository', 'fatal: write error: No space left on device'),
  ['clone-slow', () => ({ shows: 'cloning goes on and on', init: { isSlow: true } })],
  [
    'init-failed',
    () => ({
      shows: 'the init container ends with 128',
      init: { code: 128, lastMessage: 'fatal: not a git repository' },
    }),
  ],
  // images
  [
    'not-found',
    (image) => ({
      shows: 'the registry does not know the image',
      pull: { failure: resolve(image, `${image}: not found`).replace('Unknown', 'NotFound') },
    }),
  ],
  [
    'denied',
    (image) => ({
      shows: 'the registry asks for a sign-in',
      pull: {
        failure: resolve(
          image,
          'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
        ),
      },
    }),
  ],
  [
    'unreachable',
    (image) => ({
      shows: 'the name of the registry leads nowhere',
      pull: { failure: resolve(image, `${head(image)}dial tcp: lookup ${hostOf(image)}: no such host`) },
    }),
  ],
  [
    'registry-503',
    (image) => ({
      shows: 'the registry answers 503',
      pull: {
        failure: resolve(
          image,
          `unexpected status from HEAD request to https://${hostOf(image)}/v2/: 503 Service Unavailable`,
        ),
      },
    }),
  ],
  [
    'rate-limited',
    (image) => ({
      shows: 'the registry has had too many requests',
      pull: {
        failure: resolve(
          image,
          'unexpected status code 429 Too Many Requests: toomanyrequests: You have reached your pull rate limit',
        ),
      },
    }),
  ],
  [
    'untrusted',
    (image) => ({
      shows: 'the certificate of the registry is not trusted',
      pull: {
        failure: resolve(
          image,
          `${head(image)}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
        ),
      },
    }),
  ],
  ['slow-pull', () => ({ shows: 'pulling takes a minute', pull: { isSlow: true } })],
  [
    'invalid-name',
    (image) => ({
      shows: 'the name of the image is no name',
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
      shows: 'a ConfigMap lacks a key',
      createError: {
        reason: 'CreateContainerConfigError',
        message: "couldn't find key settings in ConfigMap opencode/opencode-config",
      },
    }),
  ],
  [
    'secret-missing',
    () => ({
      shows: 'a Secret is missing',
      createError: { reason: 'CreateContainerConfigError', message: 'secret "llm-keys" not found' },
    }),
  ],
  [
    'create-error',
    () => ({
      shows: 'the container cannot be made on its node',
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
      shows: 'the program may not be run',
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
      shows: 'the start hook fails',
      createError: {
        reason: "PostStartHookError: command 'sh -c prepare' exited with 5: ",
        message: 'Exec lifecycle hook ([sh -c prepare]) for Container "opencode-server" failed',
      },
    }),
  ],
  ['crash-once', () => ({ shows: 'ends with 1 once, then runs', exit: { code: 1, reason: 'Error', onlyOnce: true } })],
  ['crash', () => ({ shows: 'ends with 1 soon after each start', exit: { code: 1, reason: 'Error' } })],
  ['segfault', () => ({ shows: 'crashes by a memory access', exit: { code: 139, reason: 'Error' } })],
  [
    'exit-(\\d{1,3})',
    (_image, match) => {
      const code = Math.min(255, Number(match[1]));
      return {
        shows: 'ends with this code soon after each start; 0 counts as completed',
        exit: { code, reason: code === 0 ? 'Completed' : 'Error' },
      };
    },
  ],
  ['oom', () => ({ shows: 'is killed for its memory', exit: { code: 137, reason: 'OOMKilled' } })],
  // probes
  ['never-started', () => ({ shows: 'never answers its startup check, and is restarted', failingProbe: 'startup' })],
  ['never-ready', () => ({ shows: 'never becomes ready', failingProbe: 'readiness' })],
  [
    'ready-404',
    () => ({
      shows: 'answers its readiness check with 404',
      failingProbe: 'readiness',
      probeFailure: 'HTTP probe failed with statuscode: 404',
    }),
  ],
  [
    'ready-timeout',
    () => ({
      shows: 'does not answer its readiness check in time',
      failingProbe: 'readiness',
      probeFailure:
        'Get "http://10.244.0.12:3000/global/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    }),
  ],
  ['liveness', () => ({ shows: 'becomes ready, then no longer answers, and is restarted', failingProbe: 'liveness' })],
  // nodes
  ['unschedulable', () => ({ shows: 'no node has enough CPU', unschedulable: '1 Insufficient cpu' })],
  ['no-memory', () => ({ shows: 'no node has enough memory', unschedulable: '1 Insufficient memory' })],
  [
    'tainted',
    () => ({
      shows: 'the nodes are kept for other work',
      unschedulable: '1 node(s) had untolerated taint {maintenance: true}',
    }),
  ],
  [
    'disk-pressure',
    () => ({
      shows: 'the disk of the node is nearly full',
      unschedulable: '1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }',
    }),
  ],
  [
    'wrong-zone',
    () => ({ shows: 'its volume is in another zone', unschedulable: '1 node(s) had volume node affinity conflict' }),
  ],
  [
    'scale-up',
    () => ({
      shows: 'a node is being added',
      unschedulable: '1 Insufficient cpu',
      scaleUp: 'pod triggered scale-up: [{group-workers 2->3 (max: 10)}]',
    }),
  ],
  ['no-scheduler', () => ({ shows: 'no scheduler looks at it', silent: 'scheduler' })],
  ['silent-node', () => ({ shows: 'its node does not begin', silent: 'node' })],
  ['node-lost', () => ({ shows: 'its node is lost while it runs', nodeLost: true })],
  [
    'evicted',
    () => ({
      shows: 'is evicted for want of memory, and started anew',
      podEnd: {
        reason: 'Evicted',
        message: 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 91Mi.',
      },
    }),
  ],
  [
    'deadline',
    () => ({
      shows: 'runs longer than it may',
      podEnd: { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' },
    }),
  ],
  [
    'preempted',
    () => ({
      shows: 'makes room for a pod of higher priority, once',
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
      shows: 'leaves a node that is being drained, once',
      leaves: { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
    }),
  ],
  [
    'refused',
    () => ({
      shows: 'is refused by its node',
      podEnd: { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' },
    }),
  ],
  // refusals of the API
  [
    'quota',
    () => ({
      shows: 'the quota of the cluster is used up',
      refusal:
        'exceeded quota: tenant-compute, requested: requests.cpu=150m, used: requests.cpu=950m, limited: requests.cpu=1',
    }),
  ],
  [
    'policy',
    () => ({
      shows: 'a policy of the cluster denies the pod',
      refusal: 'admission webhook "images.policy.example.com" denied the request: its registry is not allowed',
    }),
  ],
  // volumes
  [
    'volume-pending',
    () => ({
      shows: 'its storage class does not exist',
      unschedulable: 'pod has unbound immediate PersistentVolumeClaims',
      provisioningFailure: 'storageclass.storage.k8s.io "fast-ssd" not found',
    }),
  ],
  [
    'mount-failed',
    () => ({
      shows: 'a volume needs a Secret that is missing',
      mount: {
        reason: 'FailedMount',
        message: 'MountVolume.SetUp failed for volume "extra" : secret "git-credentials" not found',
      },
    }),
  ],
  [
    'attach-failed',
    () => ({
      shows: 'its volume cannot be attached',
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
      shows: 'its volume is still attached to another node',
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
      shows: 'its node cannot give it a network',
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
