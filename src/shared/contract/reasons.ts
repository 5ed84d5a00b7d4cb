/**
 * The closed list of reason codes: why a project is in the state that it shows. Of each what people call it, what it looks
 * like in Kubernetes, and what to do. Documented in `docs/reasons.md`, which is made from this table.
 */

import type { Actor } from './diagnosis.ts';

export interface ReasonFacts {
  /** Two to four words, for a heading. */
  title: string;
  inKubernetes: string;
  /** What helps; what happens by itself where nobody has to do anything. */
  toDo: string;
  /** Who must act, as a rule. */
  actor: Actor;
  /** Something must be mended, or has been lost: it asks for attention. */
  isFailure: boolean;
}

const fact = (title: string, actor: Actor, failure: boolean, inKubernetes: string, toDo: string): ReasonFacts => ({
  title,
  actor,
  isFailure: failure,
  inKubernetes,
  toDo,
});
const fine = (title: string, inKubernetes: string, toDo: string) => fact(title, 'nobody', false, inKubernetes, toDo);
const passing = (title: string, inKubernetes: string, toDo: string) => fact(title, 'nobody', true, inKubernetes, toDo);
const forOwner = (title: string, inKubernetes: string, toDo: string) => fact(title, 'owner', true, inKubernetes, toDo);
const forAdmin = (title: string, inKubernetes: string, toDo: string) =>
  fact(title, 'administrator', true, inKubernetes, toDo);

export const reasonFacts = {
  // on the way up
  queued: fine('Waiting for its turn', 'no pod yet', 'A worker takes it as soon as one is free.'),
  'waiting-for-node': fine('Waiting for a node', 'no condition PodScheduled, no node', 'The scheduler chooses one.'),
  'scaling-up': fine('Adding a node', 'event TriggeredScaleUp', 'The cluster adds a node; this takes some minutes.'),
  scheduled: fine('Waiting for its node', 'PodScheduled is True, no container has a status', 'The node begins soon.'),
  creating: fine('Preparing', 'ContainerCreating, PodInitializing', 'Volume and images are being prepared.'),
  'image-pulling-slow': fine('Slow image', 'event Pulling for minutes', 'Large images take their time; it goes on.'),
  cloning: fine('Cloning the repository', 'the init container clone-repository runs', 'It goes on by itself.'),
  starting: fine('Starting', 'containers run and are not ready yet', 'The programs are getting ready.'),
  'starting-slow': fine(
    'Slow start',
    'not ready long after the start',
    'It is still given time; then it is started anew.',
  ),

  // as wanted
  ready: fine('Running', 'Running, every container ready', 'Nothing.'),
  'clone-failed': forOwner(
    'Repository not cloned',
    'the init container clone-repository ended with `clone-failed: …`',
    'Correct the repository URL, or clone by hand in the workspace.',
  ),
  stopping: fine('Stopping', 'deletionTimestamp is set', 'It goes on as soon as the pod is gone.'),
  stopped: fine('Stopped', 'no pod, the claim is kept', 'Start it to go on.'),
  deleting: fine('Deleting', 'pod and claim are being deleted', 'Nothing.'),
  archived: fine('Deleted', 'pod and claim are gone', 'Nothing.'),

  // the pod is on its way out, or gone, without our doing
  'pod-gone': passing('Pod gone', 'the pod is not there any more', 'A new one is started by itself.'),
  drained: passing('Node under maintenance', 'evicted by the eviction API, node cordoned', 'It moves to another node.'),
  preempted: passing(
    'Made room for another',
    'event Preempted, DisruptionTarget',
    'It is started anew when there is room.',
  ),
  'node-lost': forAdmin(
    'Node lost',
    'NodeLost, NodeNotReady, TaintManagerEviction',
    'Look at the node; it goes on elsewhere.',
  ),
  'stuck-terminating': forAdmin('Does not end', 'deletionTimestamp long past', 'Look at the node of the pod.'),
  'stuck-on-finalizer': forAdmin(
    'Held by a finalizer',
    'deletionTimestamp past, metadata.finalizers',
    'Find who set the finalizer.',
  ),

  // no node takes it
  unschedulable: forAdmin('No node for it', 'PodScheduled False, Unschedulable', 'Make room, or add a node.'),
  'node-refused': forAdmin('Refused by its node', 'Failed with NodeAffinity, OutOfcpu, …', 'Look at the node.'),
  'node-silent': forAdmin('Node does nothing', 'scheduled a minute ago, no status', 'Look at the kubelet of the node.'),

  // its volume
  'volume-pending': forAdmin(
    'Waiting for its volume',
    'the claim is Pending',
    'Look at the storage class and its provisioner.',
  ),
  'volume-deleting': passing('Old volume leaving', 'the claim has a deletionTimestamp', 'A new one follows.'),
  'attach-failed': forAdmin('Volume not attached', 'event FailedAttachVolume', 'Look at the volume and the node.'),
  'multi-attach': passing(
    'Volume still elsewhere',
    'event FailedAttachVolume, Multi-Attach error',
    'The other node lets go of it soon.',
  ),
  'mount-failed': forAdmin(
    'Volume not mounted',
    'event FailedMount',
    'Provide what is missing, or look at the volume.',
  ),
  'network-failed': forAdmin(
    'No network for it',
    'event FailedCreatePodSandBox',
    'Look at the network plugin of the node.',
  ),

  // its images
  'image-not-found': forAdmin(
    'Image not found',
    'ErrImagePull, ImagePullBackOff: not found',
    'Correct the image, or push it.',
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
    'Look at the registry and the network.',
  ),
  'image-untrusted': forAdmin(
    'Registry not trusted',
    'ImagePullBackOff: x509',
    'Make the nodes trust its certificate.',
  ),
  'image-invalid-name': forAdmin('Wrong image name', 'InvalidImageName', 'Correct the name.'),
  'image-pull-failed': forAdmin('Image not pulled', 'ImagePullBackOff, other causes', 'Look at the registry.'),

  // its containers
  'config-missing': forAdmin('Configuration missing', 'CreateContainerConfigError', 'Provide the ConfigMap or Secret.'),
  'create-container-error': forAdmin(
    'Container not created',
    'CreateContainerError',
    'Look at the node and the pod settings.',
  ),
  'start-error': forOwner('Program not started', 'RunContainerError, StartError', 'Correct the command or the image.'),
  'hook-failed': forOwner('Start hook failed', 'FailedPostStartHook', 'Correct the hook, or the image.'),
  'crash-loop': forOwner('Keeps crashing', 'CrashLoopBackOff, Error', 'Look at the log, mend the cause, restart.'),
  'completed-loop': forOwner('Keeps ending', 'Completed, restarted again', 'It ends without an error; it should stay.'),
  'out-of-memory': forOwner('Out of memory', 'OOMKilled', 'Use less memory, or ask for a higher limit.'),
  'liveness-failing': forOwner(
    'Not answering',
    'Liveness probe failed, Killing',
    'It is restarted; look at what keeps it busy.',
  ),
  'readiness-failing': forOwner('Not ready', 'Readiness probe failed', 'Look at what the program waits for.'),
  'startup-failing': forOwner(
    'Does not come up',
    'Startup probe failed, Killing',
    'Look at what the program waits for.',
  ),
  'init-failed': forOwner(
    'Preparation failed',
    'Init:Error, Init:CrashLoopBackOff',
    'Look at the message of the init container.',
  ),

  // the pod ended
  evicted: forOwner('Evicted', 'Failed with Evicted', 'Use less disk or memory; it is started anew by itself.'),
  'deadline-exceeded': forOwner(
    'Time limit reached',
    'Failed with DeadlineExceeded',
    'Retry, or ask for a longer limit.',
  ),
  completed: forOwner('Completed', 'Succeeded', 'Retry to start it anew.'),
  'pod-failed': forOwner('Failed', 'Failed, other causes', 'Retry to start it anew.'),

  // the cluster refuses or does not answer
  'cluster-unreachable': forAdmin(
    'Cluster unreachable',
    'no answer from the API',
    'It goes on when the cluster answers.',
  ),
  'cluster-busy': passing('Cluster busy', '429, conflicts', 'It is tried again by itself.'),
  'eviction-blocked': passing('Kept by a budget', '429, DisruptionBudget', 'It is tried again by itself.'),
  unauthorized: forAdmin('Credentials refused', '401', 'Renew the credentials of the worker.'),
  forbidden: forAdmin('Permission missing', '403', 'Grant the worker what it lacks.'),
  'quota-exceeded': forAdmin('Quota used up', '403, exceeded quota', 'Raise the quota, or stop something.'),
  'admission-denied': forAdmin(
    'Denied by policy',
    '403, admission webhook, PodSecurity',
    'Change the policy or the settings.',
  ),
  'admission-unavailable': forAdmin('Policy check away', '500, failed calling webhook', 'Look at the webhook.'),
  'namespace-missing': forAdmin('Namespace missing', '404, namespaces … not found', 'Create the namespace.'),
  'invalid-spec': forAdmin('Invalid settings', '400, 422', 'Correct the settings of the worker.'),
  'name-conflict': forAdmin('Name taken', '409 by an object that is not ours', 'Rename or remove the object.'),
  'cluster-error': forAdmin(
    'Cluster error',
    '5xx, unreadable answers',
    'It is tried again; look at the cluster if it stays.',
  ),
  'internal-error': forAdmin('Fault of ours', 'none', 'Look at the log of the worker.'),
} satisfies Record<string, ReasonFacts>;

export type ReasonCode = keyof typeof reasonFacts;

/** Whether something must be mended, or has been lost. */
export function isFailure(reason: ReasonCode | null): boolean {
  return reason !== null && reasonFacts[reason].isFailure;
}
