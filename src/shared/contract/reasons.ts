/**
 * The closed list of reason codes: why a project is in its state. The codes are part of the API. `docs/reasons.md` is
 * generated from this table. This file must not import zod: the client shows these texts on every page. It is one table,
 * hence its length.
 */

import type { Actor } from './diagnosis.ts';

interface ReasonFacts {
  /** A heading of one to four words. */
  title: string;
  /** What the state looks like in Kubernetes. */
  inKubernetes: string;
  /** What to do, or what happens by itself when nobody has to act. */
  toDo: string;
  /** Who usually has to act. */
  actor: Actor;
  /** Whether something must be fixed, or was lost. Failures are highlighted. */
  isFailure: boolean;
}

type Columns = [title: string, inKubernetes: string, toDo: string];

const facts = (who: Pick<ReasonFacts, 'actor' | 'isFailure'>, [title, inKubernetes, toDo]: Columns): ReasonFacts => ({
  title,
  inKubernetes,
  toDo,
  ...who,
});
/** An ordinary state. */
const ordinary = (...columns: Columns) => facts({ actor: 'nobody', isFailure: false }, columns);
/** A failure from which the project recovers without help. */
const recovers = (...columns: Columns) => facts({ actor: 'nobody', isFailure: true }, columns);
/** A failure that the owner of the project can fix. */
const forOwner = (...columns: Columns) => facts({ actor: 'owner', isFailure: true }, columns);
/** A failure that an administrator has to fix. */
const forAdmin = (...columns: Columns) => facts({ actor: 'administrator', isFailure: true }, columns);

export const reasonFacts = {
  // Starting.
  queued: ordinary('Queued', 'no pod yet', 'A worker starts it as soon as one is free.'),
  'waiting-for-node': ordinary(
    'Waiting for a node',
    'no condition PodScheduled, no node',
    'The scheduler chooses a node.',
  ),
  'scaling-up': ordinary(
    'Adding a node',
    'event TriggeredScaleUp',
    'The cluster adds a node. This takes some minutes.',
  ),
  'scheduling-gated': ordinary(
    'Held back',
    'PodScheduled False, SchedulingGated',
    'The program that set the scheduling gate removes it.',
  ),
  scheduled: ordinary(
    'Waiting for its node',
    'PodScheduled is True, no container has a status',
    'The node starts soon.',
  ),
  creating: ordinary(
    'Preparing',
    'ContainerCreating, PodInitializing',
    'The volume and the images are being prepared.',
  ),
  'image-pulling-slow': ordinary('Slow image', 'event Pulling for minutes', 'Large images take time. This continues.'),
  cloning: ordinary('Cloning the repository', 'the init container clone-repository runs', 'This continues by itself.'),
  starting: ordinary('Starting', 'containers run but are not ready yet', 'The programs are starting.'),
  'starting-slow': ordinary(
    'Slow start',
    'not ready long after the start',
    'It gets more time. Then it is started again.',
  ),

  'readiness-gate': ordinary(
    'Waiting for a check',
    'Ready False, ReadinessGatesNotReady',
    'The program behind the readiness gate sets its condition.',
  ),

  // In the desired state, or on the way there.
  ready: ordinary('Running', 'Running, every container ready', 'Nothing.'),
  'clone-failed': forOwner(
    'Repository not cloned',
    'the init container clone-repository ended with `clone-failed: …`',
    'Correct the repository URL, or clone the repository yourself in the workspace.',
  ),
  stopping: ordinary('Stopping', 'deletionTimestamp is set', 'This continues by itself as soon as the pod is gone.'),
  stopped: ordinary('Stopped', 'no pod, the claim is kept', 'Start the project to continue.'),
  trashed: ordinary('In the trash', 'no pod, the claim is kept', 'Restore the project, or delete it for good.'),
  deleting: ordinary('Deleting', 'pod and claim are being deleted', 'Nothing.'),
  archived: ordinary('Deleted', 'pod and claim are gone', 'Nothing.'),

  // The pod is stopping or gone, and this application did not request it.
  'pod-gone': recovers('Pod gone', 'the pod no longer exists', 'A new pod starts by itself.'),
  drained: recovers(
    'Node under maintenance',
    'evicted by the eviction API, node cordoned',
    'The project moves to another node.',
  ),
  preempted: recovers(
    'Made room for another',
    'event Preempted, DisruptionTarget',
    'It is started again when there is room.',
  ),
  'node-lost': forAdmin(
    'Node lost',
    'NodeLost, NodeNotReady, TaintManagerEviction',
    'Check the node. The project continues on another node.',
  ),
  'stuck-terminating': forAdmin('Does not end', 'deletionTimestamp long past', 'Check the node of the pod.'),
  'stuck-on-finalizer': forAdmin(
    'Held by a finalizer',
    'deletionTimestamp past, metadata.finalizers',
    'Find the program that set the finalizer.',
  ),

  // Nodes.
  unschedulable: forAdmin('No suitable node', 'PodScheduled False, Unschedulable', 'Make room, or add a node.'),
  'node-refused': forAdmin('Refused by its node', 'Failed with NodeAffinity, OutOfcpu, …', 'Check the node.'),
  'node-silent': forAdmin(
    'Node does not respond',
    'scheduled a minute ago, no status',
    'Check the kubelet of the node.',
  ),

  // The volume and the network.
  'volume-pending': forAdmin(
    'Waiting for its volume',
    'the claim is Pending',
    'Check the storage class and its provisioner.',
  ),
  'volume-deleting': recovers('Deleting old volume', 'the claim has a deletionTimestamp', 'A new volume follows.'),
  'volume-missing': recovers('Volume gone', 'persistentvolumeclaim … not found', 'A new volume is created by itself.'),
  'volume-lost': forAdmin(
    'Volume lost',
    'the claim is Lost, event ClaimLost',
    'Restore the volume. The files may be lost.',
  ),
  'attach-failed': forAdmin('Volume not attached', 'event FailedAttachVolume', 'Check the volume and the node.'),
  'multi-attach': recovers(
    'Volume attached elsewhere',
    'event FailedAttachVolume, Multi-Attach error',
    'The other node releases the volume soon.',
  ),
  'mount-failed': forAdmin('Volume not mounted', 'event FailedMount', 'Provide what is missing, or check the volume.'),
  'network-failed': forAdmin(
    'Network not set up',
    'event FailedCreatePodSandBox',
    'Check the network plugin of the node.',
  ),

  'sandbox-failed': forAdmin(
    'Pod not prepared',
    'event FailedCreatePodSandBox, other causes',
    'Check the container runtime of the node.',
  ),

  // Images.
  'image-not-found': forAdmin(
    'Image not found',
    'ErrImagePull, ImagePullBackOff: not found',
    'Correct the image name, or push the image.',
  ),
  'image-denied': forAdmin('Image denied', 'ImagePullBackOff: denied, unauthorized', 'Check the pull secret.'),
  'image-rate-limited': forAdmin(
    'Too many pulls',
    'ImagePullBackOff: 429, toomanyrequests',
    'Wait, or sign in at the registry.',
  ),
  'image-unreachable': forAdmin(
    'Registry unreachable',
    'ImagePullBackOff: connection, DNS, 5xx',
    'Check the registry and the network.',
  ),
  'image-untrusted': forAdmin(
    'Registry not trusted',
    'ImagePullBackOff: x509',
    'Make the nodes trust its certificate.',
  ),
  'image-wrong-platform': forAdmin(
    'Image for other processors',
    'ImagePullBackOff: no match for platform; exec format error',
    'Push a build for the processor of the nodes, or choose other nodes.',
  ),
  'image-absent': forAdmin(
    'Image not on node',
    'ErrImageNeverPull',
    'Load the image on the node, or change the pull policy.',
  ),
  'node-disk-full': forAdmin('Disk full', 'no space left on device', 'Make room on the node.'),
  'image-invalid-name': forAdmin('Invalid image name', 'InvalidImageName', 'Correct the name.'),
  'image-pull-failed': forAdmin('Image not pulled', 'ImagePullBackOff, other causes', 'Check the registry.'),

  // Containers.
  'config-missing': forAdmin('Configuration missing', 'CreateContainerConfigError', 'Provide the ConfigMap or Secret.'),
  'config-error': forAdmin(
    'Settings not usable',
    'CreateContainerConfigError, other causes',
    'Correct the settings of the pod.',
  ),
  'image-user': forAdmin(
    'User not allowed',
    'CreateContainerConfigError: runAsNonRoot; unable to find user',
    'Set a numeric user in the image or in the settings.',
  ),
  interrupted: recovers(
    'Interrupted',
    'exit code 255 with Unknown, ContainerStatusUnknown',
    'The container starts again by itself.',
  ),
  'create-container-error': forAdmin(
    'Container not created',
    'CreateContainerError',
    'Check the node and the pod settings.',
  ),
  'start-error': forAdmin('Program not started', 'RunContainerError, StartError', 'Correct the command or the image.'),
  'hook-failed': forAdmin('Start hook failed', 'FailedPostStartHook', 'Correct the hook or the image.'),
  'crash-loop': forOwner('Keeps crashing', 'CrashLoopBackOff, Error', 'Check the log, fix the cause, and restart.'),
  'completed-loop': forOwner(
    'Keeps ending',
    'Completed, restarted again',
    'The program ends without an error. It should keep running.',
  ),
  'out-of-memory': forOwner('Out of memory', 'OOMKilled', 'Use less memory, or ask for a higher limit.'),
  'liveness-failing': forOwner(
    'Not responding',
    'Liveness probe failed, Killing',
    'It is restarted. Check what keeps it busy.',
  ),
  'readiness-failing': forOwner('Not ready', 'Readiness probe failed', 'Check what the program is waiting for.'),
  'startup-failing': forOwner(
    'Does not start',
    'Startup probe failed, Killing',
    'Check what the program is waiting for.',
  ),
  'init-failed': forOwner(
    'Preparation failed',
    'Init:Error, Init:CrashLoopBackOff',
    'Read the message of the init container.',
  ),

  // The pod ended.
  evicted: forOwner(
    'Evicted',
    'Failed with Evicted: over a limit of its own',
    'Use less disk or memory. It is started again by itself.',
  ),
  'node-pressure': forAdmin(
    'Node short of resources',
    'Failed with Evicted: the node was low on resource',
    'It is started again by itself. Make room on the nodes.',
  ),
  'node-shutdown': recovers(
    'Node shut down',
    'Failed with Terminated, NodeShutdown',
    'The project moves to another node.',
  ),
  'deadline-exceeded': forOwner(
    'Time limit reached',
    'Failed with DeadlineExceeded',
    'Retry, or ask for a longer limit.',
  ),
  completed: forOwner('Completed', 'Succeeded', 'Retry to start it again.'),
  'pod-failed': forOwner('Failed', 'Failed, other causes', 'Retry to start it again.'),

  // The API refuses a request or does not answer.
  'cluster-unreachable': forAdmin(
    'Cluster unreachable',
    'no answer from the API',
    'It continues by itself when the cluster answers.',
  ),
  'cluster-busy': recovers('Cluster busy', '429, conflicts', 'The worker tries again by itself.'),
  'eviction-blocked': recovers('Eviction blocked', '429, DisruptionBudget', 'The worker tries again by itself.'),
  unauthorized: forAdmin('Credentials refused', '401', 'Renew the credentials of the worker.'),
  forbidden: forAdmin('Permission missing', '403', 'Grant the worker the missing permission.'),
  'quota-exceeded': forAdmin('Quota used up', '403, exceeded quota', 'Raise the quota, or stop something.'),
  'quota-unspecified': forAdmin(
    'Needs not stated',
    '403, failed quota: must specify',
    'State the needs of every container, or set default values.',
  ),
  'limit-range': forAdmin(
    'Outside the limits',
    '403, LimitRange',
    'Correct the settings or the limits of the namespace.',
  ),
  'placement-conflict': forAdmin(
    'Nodes not allowed',
    '403, PodNodeSelector, PodTolerationRestriction',
    'Correct the settings or the annotations of the namespace.',
  ),
  'priority-class-missing': forAdmin(
    'Priority class missing',
    '403, no PriorityClass with name',
    'Create the priority class, or correct the settings.',
  ),
  'runtime-class-missing': forAdmin(
    'Runtime class missing',
    '403, RuntimeClass not found',
    'Create the runtime class, or correct the settings.',
  ),
  'service-account-missing': recovers(
    'Service account missing',
    '403, error looking up service account',
    'The cluster creates it soon. The worker tries again by itself.',
  ),
  refused: forAdmin('Refused by the cluster', '403, other causes', 'Find out what refuses the request.'),
  'admission-denied': forAdmin(
    'Denied by policy',
    '403, admission webhook, PodSecurity',
    'Change the policy or the settings.',
  ),
  'admission-unavailable': forAdmin('Policy check unavailable', '500, failed calling webhook', 'Check the webhook.'),
  'namespace-missing': forAdmin('Namespace missing', '404, namespaces … not found', 'Create the namespace.'),
  'namespace-terminating': forAdmin(
    'Namespace being deleted',
    '403, NamespaceTerminating',
    'Create the namespace again. The worker tries again by itself.',
  ),
  'change-refused': forAdmin('Change refused', '422, immutable field; 403, volume resize', 'Set the change back.'),
  'invalid-name': forAdmin('Invalid name', '422, metadata.name', 'Correct the settings of the worker.'),
  'request-too-large': forAdmin('Request too large', '413, request is too large', 'Make the settings shorter.'),
  'api-unsupported': forAdmin(
    'Function not offered',
    '404 without an object, 405, 406, 415',
    'Check the address and the version of the cluster.',
  ),
  'invalid-spec': forAdmin('Invalid settings', '400, 422', 'Correct the settings of the worker.'),
  'name-conflict': forAdmin('Name taken', '409 by an object that is not ours', 'Rename or remove the object.'),
  'cluster-error': forAdmin(
    'Cluster error',
    '5xx, unreadable answers',
    'The worker tries again. Check the cluster if this continues.',
  ),
  'internal-error': forAdmin('Internal error', 'none', 'Check the log of the worker.'),
} satisfies Record<string, ReasonFacts>;

export type ReasonCode = keyof typeof reasonFacts;

/** Whether something must be fixed, or was lost. */
export function isFailure(reason: ReasonCode | null): boolean {
  return reason !== null && reasonFacts[reason].isFailure;
}
