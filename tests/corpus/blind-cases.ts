/**
 * Cases whose expectation was written before the engine saw them: first ten kinds of failures in the words of Kubernetes
 * 1.33 to 1.37 and of the programs around it, then traps, in which a word of one cause stands in a text about another one.
 * The first run was right in everything for 80 of the first 96, the second for 30 of the 31 that follow. `firstRun` keeps what it got wrong. The file has only data, hence its length.
 */

import type { ReasonCode } from '../../src/shared/contract/reasons.ts';
import { diagnoseRefusal } from '../../src/worker/pods/diagnosis/api-refusals.ts';
import { diagnoseHeldClaim } from '../../src/worker/pods/diagnosis/deleted-claims.ts';
import { diagnosePod } from '../../src/worker/pods/diagnosis/diagnose-pod.ts';
import type { PodSnapshot } from '../../src/worker/pods/diagnosis/pod-snapshot.ts';
import type { ApiAnswer } from '../../src/worker/pods/diagnosis/refusal.ts';
import { ago, claimOf, event, names, now, podOf, type EventInput } from './case-builders.ts';
import { stateOfRefusal } from './snapshots.ts';

interface Diagnosed {
  state: string;
  actor: string;
  reason: ReasonCode;
  message: string;
  nextStep: string;
}

interface Expected {
  /** The ten kinds: refusals, scheduling, claims, ended pods, containers, images, nodes, progress, time, deletion. */
  kind: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
  name: string;
  /** Where the words are from. */
  source: string;
  state: string[];
  actor: string[];
  reason: ReasonCode[];
  /** The message or the next step says each of these. */
  says: RegExp[];
  /** The next step. */
  toDo: RegExp;
  /** A neighbour's cause. */
  never?: RegExp;
  /** What the first run got wrong. */
  firstRun?: string;
}
export interface BlindCase extends Expected {
  /** Of a case about a pod. */
  snapshot?: PodSnapshot;
  diagnose: () => Diagnosed;
}

type Given = Omit<Expected, 'state' | 'actor' | 'toDo'> & Partial<Pick<Expected, 'state' | 'actor' | 'toDo'>>;
const usual = { state: ['failing'], actor: ['administrator'], toDo: /administrator/ };
const passes = { state: ['starting'], actor: ['nobody'], toDo: /by itself/ };

function refuses(
  expected: Given,
  status: number,
  message: string,
  more: Omit<ApiAnswer, 'status' | 'message'> = {},
): BlindCase {
  const diagnose = () => {
    const refusal = diagnoseRefusal({ status, message, ...more });
    return { ...refusal, state: stateOfRefusal(refusal) };
  };
  return { ...usual, ...expected, diagnose };
}

interface Pod {
  metadata?: object;
  spec?: object;
  status?: object;
  events?: EventInput[];
  claim?: PodSnapshot['claim'];
}

function shows(expected: Given, { events = [], claim = claimOf(), ...pod }: Pod): BlindCase {
  const snapshot = { pod: podOf(pod), events: events.map(event), claim, now };
  return { ...usual, ...expected, snapshot, diagnose: () => diagnosePod(snapshot) };
}

/** A pod without a node, with the scheduler's words. */
function unscheduled(expected: Given, message: string, { status = {}, ...pod }: Pod = {}): BlindCase {
  const scheduled = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message,
    lastTransitionTime: ago(90),
  };
  return shows(expected, { ...pod, status: { conditions: [scheduled], ...status } });
}

const unbound = '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found';
/** A claim without a volume, with what its driver says. */
const unprovisioned = (expected: Given, message: string, reason = 'ProvisioningFailed') =>
  unscheduled(expected, unbound, {
    claim: claimOf({ phase: 'Pending' }),
    events: [{ reason, message, kind: 'PersistentVolumeClaim', component: 'csi-provisioner' }],
  });

const onNode = { nodeName: 'node-7' };
const scheduledAt = (seconds: number) => ({ type: 'PodScheduled', status: 'True', lastTransitionTime: ago(seconds) });
const waiting = (name: string, reason = 'ContainerCreating', message?: string) => ({
  name,
  ready: false,
  restartCount: 0,
  state: { waiting: { reason, message } },
});
const running = (name: string, { ready = true, seconds = 700 } = {}) => ({
  name,
  ready,
  started: true,
  restartCount: 0,
  state: { running: { startedAt: ago(seconds) } },
});
const rest = names.slice(1);

/** A container that waits with a reason and a text; the others are not there yet. */
const waits = (expected: Given, reason: string, message: string, { spec = {}, status = {}, ...pod }: Pod = {}) =>
  shows(expected, {
    ...pod,
    spec: { ...onNode, ...spec },
    status: {
      conditions: [scheduledAt(60)],
      containerStatuses: [waiting('opencode-server', reason, message), ...rest.map((name) => waiting(name))],
      ...status,
    },
  });
/** An image that cannot be pulled. The runtime names it as `registry.example.com/a:1`. */
const pulls = (expected: Given, message: string, pod: Pod = {}) => waits(expected, 'ErrImagePull', message, pod);

/** A node that prepares the pod, with an event. */
const prepares = (expected: Given, events: EventInput[], pod: Pod = {}) =>
  waits(expected, 'ContainerCreating', '', { ...pod, events });

/** A container that ended and is started again. */
function exits(expected: Given, terminated: object, pod: Pod = {}): BlindCase {
  const crashed = {
    ...waiting('opencode-server', 'CrashLoopBackOff', 'back-off 40s restarting failed container=opencode-server'),
    restartCount: 3,
    lastState: { terminated: { finishedAt: ago(20), ...terminated } },
  };
  return shows(expected, {
    ...pod,
    spec: onNode,
    status: { phase: 'Running', containerStatuses: [crashed, ...rest.map((name) => running(name))], ...pod.status },
  });
}

const ended = (expected: Given, reason: string | undefined, message: string | undefined, status: object = {}) =>
  shows(
    { state: ['failed'], toDo: /new pod starts by itself/i, ...expected },
    {
      spec: onNode,
      status: { phase: 'Failed', reason, message, ...status },
    },
  );

const allRun = { phase: 'Running', containerStatuses: names.map((name) => running(name)) };
const deleting = (seconds: number) => ({ deletionTimestamp: ago(seconds), deletionGracePeriodSeconds: 30 });
const cpu =
  '0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.';
const forbidden = { reason: 'Forbidden', details: { kind: 'pods' } };
const refusedPod = 'pods "project-x" is forbidden: ';

export const blindCases: BlindCase[] = [
  // 1. Refusals.
  refuses(
    {
      kind: 1,
      name: 'a policy of Kubewarden about users',
      source: 'docs.kubewarden.io',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/privileged/],
      toDo: /policy/,
      never: /permission|may not/,
    },
    400,
    `admission webhook "clusterwide-privileged.kubewarden.admission" denied the request: User 'system:serviceaccount:opencode:worker' cannot schedule privileged containers`,
  ),
  refuses(
    {
      kind: 1,
      name: 'a policy of Kubewarden with the word forbidden',
      source: 'docs.kubewarden.io',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/process namespace/],
      toDo: /policy/,
      never: /permission/,
    },
    400,
    'admission webhook "kw.cap.disallow-shared-pid.kubewarden.admission" denied the request: Sharing the process namespace between containers is forbidden',
  ),
  refuses(
    {
      kind: 1,
      name: 'two constraints of Gatekeeper',
      source: 'github.com/streamdal/streamdal/pull/306',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/container-must-have-limits/],
      toDo: /policy/,
      never: /LimitRange|quota/,
    },
    403,
    'admission webhook "validation.gatekeeper.sh" denied the request: [container-must-have-limits] container <opencode-server> has no resource limits\n[container-must-meet-ratio] container <opencode-server> has no resource limits',
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'Kyverno cannot reach a registry',
      source: 'kyverno: imageverify',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/verify-images/],
      toDo: /policy/,
      never: /could not be pulled|did not answer in time/,
    },
    400,
    'admission webhook "mutate.kyverno.svc-fail" denied the request: \n\nresource Pod/opencode/project-x was blocked due to the following policies \n\nverify-images:\n  check-signature: \'failed to verify image registry.example.com/a:1: failed to fetch image descriptor: Get "https://registry.example.com/v2/": context deadline exceeded\'\n',
  ),
  refuses(
    {
      kind: 1,
      name: 'a policy whose expression breaks',
      source: 'kubernetes: plugin/policy/validating',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/limits\.example\.com/, /no such key/],
      toDo: /policy/,
    },
    422,
    `pods "project-x" is forbidden: ValidatingAdmissionPolicy 'limits.example.com' with binding 'all' denied request: expression 'object.spec.containers.all(c, has(c.resources.limits))' resulted in error: no such key: limits`,
    { reason: 'Invalid', details: { kind: 'pods' } },
  ),
  refuses(
    {
      kind: 1,
      name: 'a policy that speaks of a quota',
      source: 'kubernetes: messageExpression',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/budget\.example\.com/],
      toDo: /policy/,
      never: /quota .* used up/,
    },
    403,
    `pods "project-x" is forbidden: ValidatingAdmissionPolicy 'budget.example.com' with binding 'all' denied request: exceeded quota: team acme may run 3 pods`,
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'a quota with the name must-specify',
      source: 'kubernetes: resourcequota/controller.go',
      state: ['failed'],
      actor: ['administrator', 'owner'],
      reason: ['quota-exceeded'],
      says: [/pods/],
      toDo: /raise|stopped/,
      never: /states how much/,
    },
    403,
    `${refusedPod}exceeded quota: must-specify-cpu, requested: pods=1, used: pods=20, limited: pods=20`,
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'a service account that somebody must create',
      source: 'kubernetes: serviceaccount/admission.go',
      reason: ['service-account-missing'],
      says: [/runner/],
      toDo: /administrator must create/,
    },
    403,
    `${refusedPod}error looking up service account opencode/runner: serviceaccount "runner" not found`,
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'finalizers of an owner',
      source: 'kubernetes: gc_admission.go, as on OpenShift',
      reason: ['forbidden', 'refused'],
      says: [/permission|ownerReference/],
      never: /finalizer ".*" still/,
    },
    403,
    `secrets "project-x" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>`,
    { reason: 'Forbidden', details: { kind: 'secrets' } },
  ),
  refuses(
    {
      kind: 1,
      name: 'overhead without a runtime class',
      source: 'kubernetes: runtimeclass/admission.go',
      state: ['failing', 'failed'],
      reason: ['refused'],
      says: [/Kubernetes reports/, /Overhead/],
      never: /does not have the runtime class/,
    },
    403,
    `${refusedPod}pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead`,
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'a priority of a class that exists',
      source: 'kubernetes: priority/admission.go',
      state: ['failing', 'failed'],
      reason: ['refused'],
      says: [/Kubernetes reports/],
      never: /does not have the priority class/,
    },
    403,
    `${refusedPod}the integer value of priority (0) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name`,
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'a name that contains immutable',
      firstRun: 'took the name for an immutable field',
      source: 'kubernetes: core/validation',
      state: ['failed'],
      reason: ['invalid-spec'],
      says: [/invalid/],
      toDo: /correct/,
      never: /does not allow this change/,
    },
    422,
    'Pod "project-x" is invalid: spec.containers[0].envFrom[0].configMapRef.name: Invalid value: "immutable-Settings": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
    { reason: 'Invalid' },
  ),
  refuses(
    {
      kind: 1,
      name: 'a webhook that is asked too much',
      source: 'kubernetes: webhook/errors',
      actor: ['administrator', 'nobody'],
      reason: ['admission-unavailable'],
      says: [/mutate\.example\.com/],
      toDo: /tries again/,
    },
    500,
    'Internal error occurred: failed calling webhook "mutate.example.com": failed to call webhook: an error on the server ("Too Many Requests") has prevented the request from succeeding',
    { reason: 'InternalError' },
  ),
  refuses(
    {
      kind: 1,
      name: 'a new leader of the database',
      source: 'etcd: server/etcdserver/errors',
      actor: ['administrator', 'nobody'],
      reason: ['cluster-error', 'cluster-busy'],
      says: [/leader changed/],
      toDo: /tries again/,
      never: /full/,
    },
    500,
    'etcdserver: leader changed',
    { reason: 'InternalError' },
  ),
  refuses(
    {
      kind: 1,
      name: 'a claim that exists',
      source: 'kubernetes: registry/generic/registry',
      state: ['starting'],
      actor: ['nobody'],
      reason: ['name-conflict'],
      says: [/exists/],
      toDo: /by itself/,
    },
    409,
    'persistentvolumeclaims "workspace-x" already exists',
    { reason: 'AlreadyExists', details: { kind: 'persistentvolumeclaims' } },
  ),

  // 2. Scheduling.
  unscheduled(
    {
      kind: 2,
      name: 'a claim of devices that does not exist yet',
      source: 'kubernetes: dynamicresources',
      reason: ['unschedulable'],
      says: [/Kubernetes reports/, /resourceclaim/i],
      never: /CPU|memory|volume/,
    },
    '0/3 nodes are available: waiting for resource claim controller to create the resourceclaim for pod "opencode/project-x". preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a gang',
      source: 'kubernetes: gangscheduling.go',
      reason: ['unschedulable', 'waiting-for-node'],
      state: ['failing', 'starting'],
      says: [/gang/],
      never: /CPU|memory/,
      toDo: /administrator|by itself/,
    },
    '0/5 nodes are available: waiting for minCount pods from a gang to be scheduled.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'features that nodes do not declare',
      source: 'kubernetes: nodedeclaredfeatures',
      reason: ['unschedulable'],
      says: [/CPU/, /UserNamespaces/, /PodResize/],
    },
    '0/4 nodes are available: 1 Insufficient cpu, 3 node declared features check failed - unsatisfied requirements: UserNamespaces, PodResize. preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a storage driver that is not installed',
      firstRun: 'quoted, which was true, but named no step',
      source: 'kubernetes: nodevolumelimits/csi.go',
      reason: ['unschedulable'],
      says: [/ebs\.csi\.aws\.com|storage driver/],
      toDo: /storage driver/,
      never: /Kubernetes reports/,
    },
    '0/2 nodes are available: 2 ebs.csi.aws.com CSI driver is not installed on the node. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'Windows nodes, and labels',
      source: 'learn.microsoft.com: AKS Windows node pools',
      reason: ['unschedulable'],
      says: [/CPU/, /labels/, /taint os/],
      toDo: /make room/,
    },
    "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {os: windows}, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, 3 Preemption is not helpful for scheduling.",
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a taint of people that ends with disk-pressure',
      firstRun: 'said that the disk is nearly full',
      source: 'the stem of a name',
      reason: ['unschedulable'],
      says: [/reserved/, /no-disk-pressure/],
      toDo: /reserved/,
      never: /disk is nearly full/,
    },
    '0/2 nodes are available: 2 node(s) had untolerated taint {team.example.com/no-disk-pressure: true}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'nodes that the cloud has shut down',
      firstRun: 'said that the nodes are reserved',
      source: 'kubernetes: labels-annotations-taints',
      reason: ['unschedulable'],
      says: [/shut down|not ready/],
      toDo: /check the nodes/,
      never: /reserved/,
    },
    '0/2 nodes are available: 2 node(s) had untolerated taint {node.cloudprovider.kubernetes.io/shutdown: }. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a part of a graphics card',
      source: 'nvidia device plugin: MIG',
      reason: ['unschedulable'],
      says: [/nvidia\.com\/mig-1g\.5gb/],
      toDo: /make room|add a node/,
    },
    '0/3 nodes are available: 3 Insufficient nvidia.com/mig-1g.5gb. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'huge pages',
      source: 'kubernetes: noderesources/fit.go',
      reason: ['unschedulable'],
      says: [/hugepages-2Mi/],
      never: /free memory/,
    },
    '0/3 nodes are available: 3 Insufficient hugepages-2Mi. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a refusal after a request',
      source: 'cluster-autoscaler: FAQ.md',
      reason: ['unschedulable'],
      says: [/CPU/, /largest number of nodes/, /labels/],
    },
    cpu,
    {
      events: [
        {
          reason: 'TriggeredScaleUp',
          component: 'cluster-autoscaler',
          from: 200,
          to: 200,
          message: 'pod triggered scale-up: [{pool-1 1->2 (max: 2)}]',
        },
        {
          reason: 'NotTriggerScaleUp',
          component: 'cluster-autoscaler',
          from: 8,
          to: 8,
          message:
            "pod didn't trigger scale-up: 1 max node group size reached, 2 node(s) didn't match Pod's node affinity/selector",
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a request after a refusal',
      source: 'cluster-autoscaler: FAQ.md',
      ...passes,
      reason: ['scaling-up'],
      says: [/being added/],
      never: /largest number/,
    },
    cpu,
    {
      events: [
        {
          reason: 'NotTriggerScaleUp',
          component: 'cluster-autoscaler',
          from: 300,
          to: 100,
          message: "pod didn't trigger scale-up: 1 max node group size reached",
        },
        {
          reason: 'TriggeredScaleUp',
          component: 'cluster-autoscaler',
          from: 20,
          to: 20,
          message: 'pod triggered scale-up: [{pool-1 2->3 (max: 4)}]',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'Karpenter with several causes at once',
      source: 'karpenter: scheduling/nodeclaim.go',
      reason: ['unschedulable'],
      says: [/CPU/, /large enough/],
      never: /zone|volume/,
    },
    cpu,
    {
      events: [
        {
          reason: 'FailedScheduling',
          component: 'karpenter',
          message:
            'Failed to schedule pod, incompatible with nodepool "gpu", daemonset overhead={"cpu":"150m"}, did not tolerate taint (taint=nvidia.com/gpu:NoSchedule); incompatible with nodepool "default", daemonset overhead={"cpu":"150m"}, no instance type has enough resources, requirements=kubernetes.io/arch In [amd64], resources={"cpu":"64"}',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'Karpenter that does not know which of two',
      firstRun: 'named one of two causes as certain',
      source: 'karpenter: scheduling/nodeclaim.go',
      reason: ['unschedulable'],
      says: [/CPU/, /adds no node/, /placement/, /large enough/],
    },
    cpu,
    {
      events: [
        {
          reason: 'FailedScheduling',
          component: 'karpenter',
          message:
            'Failed to schedule pod, incompatible with nodepool "default", daemonset overhead={"cpu":"150m"}, no instance type met the scheduling requirements or had enough resources, requirements=kubernetes.io/arch In [arm64], resources={"cpu":"64"}',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'Karpenter and its own minimum',
      source: 'karpenter: scheduling/scheduler.go',
      reason: ['unschedulable'],
      says: [/CPU/, /adds no node/, /minValues/],
      never: /large enough/,
    },
    cpu,
    {
      events: [
        {
          reason: 'FailedScheduling',
          component: 'karpenter',
          message:
            'Failed to schedule pod, pod didn’t schedule because NodePool couldn’t meet minValues requirements, minValues requirement is not met for label(s) (label(s)=[node.kubernetes.io/instance-type]) (NodePool=default)',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a pool of Karpenter with the name of a cause',
      firstRun: 'read the name of the pool as a cause',
      source: 'the stem of a name',
      reason: ['unschedulable'],
      says: [/adds no node/, /placement rules/],
      never: /limit of its node pools|large enough/,
    },
    cpu,
    {
      events: [
        {
          reason: 'FailedScheduling',
          component: 'karpenter',
          message:
            'Failed to schedule pod, incompatible with nodepool "no instance type has enough resources", incompatible requirements, key topology.kubernetes.io/zone, topology.kubernetes.io/zone In [eu-1a] not in topology.kubernetes.io/zone In [eu-1b]',
        },
      ],
    },
  ),

  // 3. Claims.
  unprovisioned(
    {
      kind: 3,
      name: 'too many requests to a cloud',
      firstRun: 'said that the storage has no space or no quota left',
      source: 'aws-ebs-csi-driver: RequestLimitExceeded',
      reason: ['volume-pending'],
      says: [/requests/],
      toDo: /again by itself/,
      never: /no space|quota left/,
    },
    'failed to provision volume with StorageClass "gp3": rpc error: code = Internal desc = Could not create volume "pvc-1": could not create volume in EC2: RequestLimitExceeded: Request limit exceeded.',
  ),
  unprovisioned(
    {
      kind: 3,
      name: 'a key of the cloud',
      source: 'gcp-compute-persistent-disk-csi-driver',
      reason: ['volume-pending'],
      says: [/Kubernetes reports/],
      never: /zone|quota|space/,
    },
    'failed to provision volume with StorageClass "topology-aware": rpc error: code = Internal desc = CreateVolume failed to create single zonal disk "pvc-1": failed to insert zonal disk: unknown error when polling the operation: The key ring was not ready',
  ),
  unprovisioned(
    {
      kind: 3,
      name: 'a snapshot that is not ready',
      source: 'external-provisioner: controller.go',
      reason: ['volume-pending'],
      says: [/snapshot/],
      never: /storage driver cannot create it for this node/,
    },
    'failed to provision volume with StorageClass "fast": error getting handle for DataSource Type VolumeSnapshot by Name nightly: snapshot nightly is not Ready',
  ),
  unprovisioned(
    {
      kind: 3,
      name: 'a volume that belongs to another claim',
      source: 'kubernetes: pv_controller.go',
      reason: ['volume-pending'],
      says: [/already bound to a different claim/],
      never: /does not exist yet|still attached/,
    },
    'volume "pv-7" already bound to a different claim.',
    'FailedBinding',
  ),
  unprovisioned(
    {
      kind: 3,
      name: 'a driver that creates no volumes',
      source: 'external-provisioner: controller.go',
      reason: ['volume-pending'],
      says: [/does not support dynamic provisioning|cannot create volumes/],
      never: /settings of the storage class/,
    },
    'failed to provision volume with StorageClass "nfs": CSI driver does not support dynamic provisioning: controller CREATE_DELETE_VOLUME capability is not reported',
  ),
  unscheduled(
    {
      kind: 3,
      name: 'no memory, while the claim waits for a node',
      source: 'kubernetes: WaitForFirstConsumer',
      reason: ['unschedulable'],
      says: [/memory/],
      toDo: /make room/,
      never: /volume of the project/,
    },
    '0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
    {
      claim: claimOf({ phase: 'Pending' }),
      events: [
        {
          kind: 'PersistentVolumeClaim',
          component: 'persistentvolume-controller',
          reason: 'WaitForFirstConsumer',
          isWarning: false,
          message: 'waiting for first consumer to be created before binding',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 3,
      name: 'a failure of the claim that has passed',
      source: 'kubernetes: pv_controller.go',
      reason: ['unschedulable'],
      says: [/CPU/],
      never: /volume of the project/,
    },
    cpu,
    {
      events: [
        {
          kind: 'PersistentVolumeClaim',
          component: 'csi-provisioner',
          reason: 'ProvisioningFailed',
          from: 500,
          to: 400,
          message:
            'failed to provision volume with StorageClass "fast": rpc error: code = ResourceExhausted desc = pool is full',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 3,
      name: 'a snapshot holds the old claim',
      source: 'external-snapshotter: pvc-as-source-protection',
      reason: ['volume-deleting'],
      says: [/pvc-as-source-protection/],
      toDo: /finalizer/,
    },
    '0/3 nodes are available: persistentvolumeclaim "workspace-x" is being deleted. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    {
      claim: claimOf({
        deletionTimestamp: ago(600),
        finalizers: ['snapshot.storage.kubernetes.io/pvc-as-source-protection'],
      }),
    },
  ),
  shows(
    {
      kind: 3,
      name: 'a volume of a running project that could not grow',
      source: 'external-resizer: VolumeResizeFailed',
      state: ['ready'],
      actor: ['nobody'],
      toDo: /Nothing/,
      reason: ['ready'],
      says: [/ready/],
      never: /volume/,
    },
    {
      spec: onNode,
      status: { ...allRun, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: ago(600) }] },
      events: [
        {
          kind: 'PersistentVolumeClaim',
          component: 'external-resizer',
          reason: 'VolumeResizeFailed',
          message: 'resize volume "pvc-1" failed: rpc error: code = ResourceExhausted desc = no space',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 3,
      name: 'a claim that does not exist',
      source: 'kubernetes: volumebinding',
      ...passes,
      state: ['failing'],
      reason: ['volume-missing'],
      says: [/does not exist/],
      toDo: /created by itself/,
    },
    '0/3 nodes are available: persistentvolumeclaim "workspace-x" not found. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    { claim: null },
  ),

  // 4. Ended pods.
  ended(
    {
      kind: 4,
      name: 'a disk that is full where devices are written down',
      firstRun: 'said that the devices are missing',
      source: 'kubernetes: cm/devicemanager, a public note about UnexpectedAdmissionError',
      reason: ['node-refused', 'node-disk-full'],
      says: [/disk/],
      never: /does not have the devices/,
    },
    'UnexpectedAdmissionError',
    'Pod was rejected: Allocate failed due to failed to write checkpoint file "kubelet_internal_checkpoint": write /var/lib/kubelet/device-plugins/.728425055: no space left on device, which is unexpected',
  ),
  ended(
    {
      kind: 4,
      name: 'no more graphics cards',
      source: 'kubernetes: lifecycle/predicate.go',
      reason: ['node-refused'],
      says: [/nvidia\.com\/gpu/],
    },
    'OutOfnvidia.com/gpu',
    "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 1, capacity: 1",
  ),
  ended(
    {
      kind: 4,
      name: 'features that the node does not have',
      source: 'kubernetes: NodeDeclaredFeatures (KEP-5328)',
      reason: ['node-refused'],
      says: [/UserNamespaces/],
    },
    'PodFeatureUnsupported',
    'Pod was rejected: Pod requires node features that are not available: UserNamespaces',
  ),
  ended(
    {
      kind: 4,
      name: 'preempted, with the exit code of a kill',
      source: 'kubernetes: framework/preemption',
      state: ['lost', 'failed'],
      actor: ['nobody'],
      reason: ['preempted'],
      says: [/priority/],
      never: /exit code|memory/,
    },
    undefined,
    undefined,
    {
      conditions: [
        {
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'PreemptionByScheduler',
          message: 'default-scheduler: preempting to accommodate a higher priority pod',
        },
      ],
      containerStatuses: [{ name: 'opencode-server', state: { terminated: { exitCode: 137, reason: 'Error' } } }],
    },
  ),
  ended(
    {
      kind: 4,
      name: 'a disruption that was called off',
      source: 'kubernetes: DisruptionTarget False',
      actor: ['owner'],
      reason: ['out-of-memory'],
      says: [/memory/],
      never: /moved away/,
    },
    undefined,
    undefined,
    {
      conditions: [{ type: 'DisruptionTarget', status: 'False', reason: 'EvictionByEvictionAPI' }],
      containerStatuses: [{ name: 'opencode-server', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
    },
  ),
  ended(
    {
      kind: 4,
      name: 'too many processes on the node',
      source: 'kubernetes: eviction/helpers.go',
      actor: ['administrator', 'nobody'],
      reason: ['node-pressure'],
      says: [/processes/],
      never: /limit allows/,
    },
    'Evicted',
    'The node was low on resource: pids. Threshold quantity: 3276, available: 3012. ',
  ),
  ended(
    {
      kind: 4,
      name: 'all containers together over their limit',
      source: 'kubernetes: eviction_manager.go',
      actor: ['owner', 'administrator'],
      reason: ['evicted'],
      says: [/temporary storage/],
      never: /short of disk/,
    },
    'Evicted',
    'Pod ephemeral local storage usage exceeds the total limit of containers 2Gi. ',
  ),
  ended(
    {
      kind: 4,
      name: 'a shutdown whose programs ended well',
      source: 'kubernetes: nodeshutdown',
      state: ['lost', 'failed'],
      actor: ['nobody', 'administrator'],
      reason: ['node-shutdown'],
      says: [/shut down/],
      never: /completed/,
    },
    'Terminated',
    'Pod was terminated in response to imminent node shutdown.',
    { phase: 'Succeeded' },
  ),

  // 5. Containers.
  waits(
    {
      kind: 5,
      name: 'a file with the name seccomp that cannot be mounted',
      source: 'runc: rootfs_linux.go',
      reason: ['create-container-error', 'start-error'],
      says: [/mounted/],
      never: /seccomp profile/,
    },
    'RunContainerError',
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting "/var/lib/kubelet/pods/1/volume-subpaths/cm/opencode-server/1" to rootfs at "/app/seccomp.json": mount src=/var/lib/kubelet/pods/1/volume-subpaths/cm/opencode-server/1, dst=/app/seccomp.json, dstFd=/proc/thread-self/fd/11, flags=MS_BIND|MS_REC: not a directory: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type',
  ),
  waits(
    {
      kind: 5,
      name: 'a user namespace on a file system that has none',
      source: 'runc: mount_linux.go',
      reason: ['create-container-error', 'start-error'],
      says: [/mounted|Kubernetes reports/],
      never: /does not exist in its image|device that it needs/,
    },
    'RunContainerError',
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: failed to fulfil mount request: failed to set MOUNT_ATTR_IDMAP on /var/lib/kubelet/pods/1/volumes/kubernetes.io~csi/pvc-1/mount: invalid argument (maybe the filesystem used doesn't support idmap mounts on this kernel?)",
  ),
  waits(
    {
      kind: 5,
      name: 'systemd has gone away',
      source: 'runc: libcontainer/cgroups/systemd',
      reason: ['start-error', 'create-container-error'],
      says: [/Kubernetes reports/],
      never: /memory limit is too low|command/,
    },
    'RunContainerError',
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: unable to start unit "cri-containerd-1.scope" (properties [{Name:Description Value:"libcontainer container 1"} {Name:MemoryLimit Value:1}]): Message recipient disconnected from message bus without replying',
  ),
  waits(
    {
      kind: 5,
      name: 'an image of another Windows',
      firstRun: 'quoted, which was true, but named no cause',
      source: 'hcsshim: HCS_E_IMAGE_MISMATCH',
      reason: ['image-wrong-platform'],
      says: [/operating system/],
      never: /Kubernetes reports/,
    },
    'RunContainerError',
    'failed to create containerd task: failed to create shim task: hcs::CreateComputeSystem 6d1: The container operating system does not match the host operating system.: unknown',
  ),
  waits(
    {
      kind: 5,
      name: 'labels of SELinux',
      source: 'cri-o: container_create_linux.go',
      reason: ['create-container-error'],
      says: [/Kubernetes reports/, /relabel/],
      never: /command|does not exist/,
    },
    'CreateContainerError',
    'relabel failed /var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/data: lsetxattr /var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/data: operation not supported',
  ),
  waits(
    {
      kind: 5,
      name: 'a secret with the name of a cause',
      source: 'kubernetes: kubelet_pods.go',
      reason: ['config-missing'],
      says: [/non-root-token/],
      toDo: /provide/,
      never: /run as root/,
    },
    'CreateContainerConfigError',
    'secret "non-root-token" not found',
  ),
  waits(
    {
      kind: 5,
      name: 'settings that run it as root',
      source: 'kubernetes: security_context_others.go',
      reason: ['image-user'],
      says: [/\broot\b/],
      toDo: /user/,
    },
    'CreateContainerConfigError',
    'container\'s runAsUser breaks non-root policy (pod: "project-x_opencode(u)", container: opencode-server)',
  ),
  waits(
    {
      kind: 5,
      name: 'a file of variables without a key',
      source: 'kubernetes: EnvFiles (KEP-3721)',
      reason: ['config-error', 'config-missing'],
      says: [/OPENCODE_MODEL/],
    },
    'CreateContainerConfigError',
    'environment variable key "OPENCODE_MODEL" not found in file "config.env" in volume "env"',
  ),
  exits(
    {
      kind: 5,
      name: 'a disk that is full, in the words of a program',
      source: 'Node.js: ENOSPC',
      actor: ['owner'],
      reason: ['crash-loop'],
      says: [/exit code 1/, /no space left on device/],
      toDo: /cause/,
      never: /disk of (the|its) node/,
    },
    { exitCode: 1, reason: 'Error', message: 'Error: ENOSPC: no space left on device, write' },
  ),
  exits(
    {
      kind: 5,
      name: 'a program that ends itself with 255',
      source: 'ssh(1)',
      actor: ['owner'],
      reason: ['crash-loop'],
      says: [/exit code 255/],
      toDo: /cause|output/,
      never: /restart of its node/,
    },
    { exitCode: 255, reason: 'Error' },
  ),
  exits(
    {
      kind: 5,
      name: 'a library that Windows does not find',
      firstRun: 'the expectation was wrong: exit codes have 32 bits and a sign',
      source: 'ntstatus.h: STATUS_DLL_NOT_FOUND',
      actor: ['owner'],
      reason: ['crash-loop'],
      says: [/-1073741515/],
      toDo: /cause|output/,
      never: /signal/,
    },
    { exitCode: -1_073_741_515, reason: 'Error' },
  ),
  exits(
    {
      kind: 5,
      name: 'killed, while another container ran out of memory',
      source: 'kubernetes: memory.oom.group',
      actor: ['owner'],
      reason: ['crash-loop'],
      says: [/killed from outside/],
      toDo: /cause|output/,
      never: /memory/,
    },
    { exitCode: 137, reason: 'Error' },
    {
      events: [
        {
          reason: 'Killing',
          container: 'session-proxy',
          isWarning: false,
          message: 'Container session-proxy failed liveness probe, will be restarted',
          from: 21,
          to: 21,
        },
      ],
    },
  ),

  // 6. Images.
  pulls(
    {
      kind: 6,
      name: 'a full disk under CRI-O, and its second attempt',
      source: 'cri-o: internal/storage/image.go',
      reason: ['node-disk-full'],
      says: [/disk/],
    },
    'unable to pull image or OCI artifact: pull image err: copying system image from manifest list: writing blob: adding layer with blob "sha256:aa"/""/"sha256:bb": unpacking failed (error: exit status 1; output: write /usr/lib/libLLVM.so.18: no space left on device); artifact err: provided artifact is a container image',
  ),
  pulls(
    {
      kind: 6,
      name: 'a tag that Quay does not know',
      source: 'cri-o: internal/storage/image.go',
      reason: ['image-not-found'],
      says: [/not found/],
      never: /denied/,
    },
    'unable to pull image or OCI artifact: pull image err: initializing source docker://registry.example.com/a:1: reading manifest 1 in registry.example.com/a: manifest unknown; artifact err: get manifest: build image source: reading manifest 1 in registry.example.com/a: manifest unknown',
  ),
  pulls(
    {
      kind: 6,
      name: 'a private image under CRI-O',
      source: 'a public report about Harbor',
      reason: ['image-denied'],
      says: [/sign-in/],
    },
    'unable to pull image or OCI artifact: pull image err: initializing source docker://registry.example.com/a:1: reading manifest 1 in registry.example.com/a: unauthorized: unauthorized to access repository: robot/a, action: pull: unauthorized to access repository: robot/a, action: pull; artifact err: get manifest: build image source: reading manifest 1 in registry.example.com/a: unauthorized',
  ),
  pulls(
    {
      kind: 6,
      name: 'a mirror that breaks',
      source: 'a public report about a mirror of ghcr.io',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/answers with an error/],
      never: /denied|not found/,
    },
    'unable to pull image or OCI artifact: pull image err: initializing source docker://registry.example.com/a:1: reading manifest 1 in registry.example.com/a: received unexpected HTTP status: 500 Internal Server Error; artifact err: get manifest: build image source: reading manifest 1 in registry.example.com/a: received unexpected HTTP status: 500 Internal Server Error',
  ),
  pulls(
    {
      kind: 6,
      name: 'Harbor holds back what is vulnerable',
      source: 'harbor: vulnerable and contenttrust middleware',
      reason: ['image-pull-failed'],
      says: [/Kubernetes reports/, /412/],
      never: /not trusted|not found/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to resolve image: unexpected status from GET request to https://registry.example.com/v2/a/manifests/sha256:0123456789abcdef0123: 412 Precondition Failed',
  ),
  pulls(
    {
      kind: 6,
      name: 'the sign-in of Docker Hub is down',
      source: 'containerd: core/remotes/docker/auth',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/error/],
      never: /denied|requires a sign-in/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to resolve image: failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token?scope=repository%3Adenied%2Fx%3Apull&service=registry.docker.io: 503 Service Unavailable',
  ),
  pulls(
    {
      kind: 6,
      name: 'the sign-in of a registry cannot be reached',
      source: 'containerd: core/remotes/docker/auth',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/reached/],
      never: /denied/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to resolve image: failed to authorize: failed to fetch oauth token: Post "https://registry.example.com/token": dial tcp 140.82.121.34:443: connect: connection refused',
  ),
  pulls(
    {
      kind: 6,
      name: 'an address of IPv6 without a way',
      source: 'Go: net',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/reached/],
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to resolve image: failed to do request: Head "https://registry.example.com/v2/a/manifests/1": dial tcp [2600:1f18:2148:bc00::1]:443: connect: network is unreachable',
  ),
  pulls(
    {
      kind: 6,
      name: 'an image with the words of two causes in its name',
      source: 'the stem of a name',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/DNS/],
      never: /certificate|not found in/,
    },
    'failed to pull and unpack image "registry.example.com/x509/denied:not-found": failed to resolve image: failed to do request: Head "https://registry.example.com/v2/x509/denied/manifests/not-found": dial tcp: lookup registry.example.com on 10.96.0.10:53: server misbehaving',
    { spec: { containers: names.map((name) => ({ name, image: 'registry.example.com/x509/denied:not-found' })) } },
  ),
  pulls(
    {
      kind: 6,
      name: 'no image for this Windows',
      source: 'moby: distribution/pull_v2_windows.go',
      reason: ['image-wrong-platform'],
      says: [/operating system/],
      never: /not found in its registry/,
    },
    'no matching manifest for windows/amd64 10.0.20348 in the manifest list entries',
  ),
  pulls(
    {
      kind: 6,
      name: 'a file system that the node cannot make',
      source: 'containerd: plugins/snapshots/erofs',
      reason: ['image-pull-failed'],
      says: [/unpack|Kubernetes reports/],
      never: /registry lacks|not a valid image/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to prepare extraction snapshot "extract-1 sha256:aa": failed to convert layer: exec: "mkfs.erofs": executable file not found in $PATH',
  ),
  waits(
    {
      kind: 6,
      name: 'an image that is being pulled again',
      source: 'kubernetes: images/image_manager.go',
      ...passes,
      reason: ['creating'],
      says: [/being fetched/],
      toDo: /images/,
      never: /denied|could not be pulled/,
    },
    'ContainerCreating',
    '',
    {
      events: [
        {
          reason: 'Failed',
          container: 'opencode-server',
          message: 'Failed to pull image "registry.example.com/a:1": failed to resolve image: pull access denied',
          from: 50,
          to: 50,
        },
        {
          reason: 'Pulling',
          container: 'opencode-server',
          isWarning: false,
          message: 'Pulling image "registry.example.com/a:1"',
          from: 50,
          to: 10,
        },
      ],
    },
  ),

  // 7. Nodes.
  prepares(
    {
      kind: 7,
      name: 'the network of a Windows node',
      source: 'hcsshim: HNS',
      reason: ['network-failed'],
      says: [/network/, /Kubernetes reports/],
      never: /no free network address/,
    },
    [
      {
        reason: 'FailedCreatePodSandBox',
        message:
          'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1f": plugin type="azure-vnet" name="azure" failed (add): failed to create endpoint: HNS failed with error : The object already exists.',
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'the runtime dies',
      source: 'runc: process_linux.go',
      reason: ['sandbox-failed'],
      says: [/Kubernetes reports/],
      never: /network/,
    },
    [
      {
        reason: 'FailedCreatePodSandBox',
        message:
          'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to start sandbox "1f": failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: can\'t get final child\'s PID from pipe: EOF',
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'an agent that has no address left',
      source: 'cilium: plugins/cilium-cni',
      reason: ['network-failed'],
      says: [/no free network address/],
    },
    [
      {
        reason: 'FailedCreatePodSandBox',
        message:
          'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1f": plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "No more IPs available"',
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'labels of SELinux that two pods do not share',
      source: 'kubernetes: KEP-1710',
      reason: ['mount-failed'],
      says: [/Kubernetes reports/, /SELinux/],
      never: /denies the access|another node/,
    },
    [
      {
        reason: 'FailedMount',
        message:
          'conflicting SELinux labels of volume pvc-1: "system_u:object_r:container_file_t:s0:c1,c2" and "system_u:object_r:container_file_t:s0:c3,c4"',
        from: 300,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'a disk of AWS that takes long',
      source: 'aws-ebs-csi-driver: cloud.go',
      reason: ['attach-failed'],
      says: [/attached/],
      toDo: /driver|storage|volume/,
      never: /another node/,
    },
    [
      {
        reason: 'FailedAttachVolume',
        component: 'attachdetach-controller',
        message:
          'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Could not attach volume "vol-1" to node "i-1": attachment of disk "vol-1" failed, expected device to be attached but was attaching',
        from: 300,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'a disk of Azure that another machine has',
      source: 'azuredisk-csi-driver: azure_controller_common.go',
      actor: ['nobody', 'administrator'],
      reason: ['multi-attach'],
      says: [/another node/],
      toDo: /other node/,
    },
    [
      {
        reason: 'FailedAttachVolume',
        component: 'attachdetach-controller',
        message:
          'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = disk(/subscriptions/1/disks/pvc-1) already attached to node(/subscriptions/1/virtualMachines/vm-2), could not be attached to node(vm-1)',
        from: 120,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'the API is away for a moment, at the token of a new pod',
      source: 'kubernetes: volume/projected',
      ...passes,
      reason: ['creating'],
      says: [/preparing/],
      never: /could not be mounted/,
    },
    [
      {
        reason: 'FailedMount',
        message:
          'MountVolume.SetUp failed for volume "kube-api-access-1" : failed to fetch token: Post "https://10.0.0.1:443/api/v1/namespaces/opencode/serviceaccounts/default/token": dial tcp 10.0.0.1:443: connect: connection refused',
        from: 10,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'a mount that failed before the volume was there',
      source: 'kubernetes: KEP-3085',
      ...passes,
      reason: ['creating'],
      says: [/creating|preparing/],
      never: /could not be mounted/,
    },
    [
      {
        reason: 'FailedMount',
        message:
          'MountVolume.SetUp failed for volume "pvc-1" : rpc error: code = Internal desc = lstat /dev/sdx: no such file or directory',
        from: 100,
        to: 40,
      },
    ],
    {
      status: {
        conditions: [
          scheduledAt(60),
          { type: 'PodReadyToStartContainers', status: 'True', lastTransitionTime: ago(20) },
        ],
        containerStatuses: names.map((name) => waiting(name)),
      },
    },
  ),
  prepares(
    {
      kind: 7,
      name: 'a volume of Ceph with the word quota in its name',
      firstRun: 'the expectation was wrong: it forbade the quoted name',
      source: 'ceph-csi',
      reason: ['mount-failed'],
      says: [/Kubernetes reports/],
      never: /disk is full/,
    },
    [
      {
        reason: 'FailedMount',
        message:
          'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = rbd image "pool/disk-quota-exceeded" could not be mapped: exit status 22',
        from: 300,
      },
    ],
  ),

  // 8. Progress.
  shows(
    {
      kind: 8,
      name: 'a native sidecar that must start first',
      source: 'KEP-753',
      state: ['starting', 'failing'],
      reason: ['starting-slow', 'starting'],
      says: [/istio-proxy/],
    },
    {
      spec: { ...onNode, initContainers: [{ name: 'istio-proxy', restartPolicy: 'Always' }] },
      status: {
        conditions: [scheduledAt(200)],
        initContainerStatuses: [{ ...running('istio-proxy', { ready: false, seconds: 180 }), started: false }],
        containerStatuses: names.map((name) => waiting(name, 'PodInitializing')),
      },
    },
  ),
  shows(
    {
      kind: 8,
      name: 'a container of another program that takes long',
      source: 'vault-k8s',
      state: ['starting', 'failing'],
      reason: ['starting-slow'],
      says: [/vault-agent/],
    },
    {
      spec: { ...onNode, containers: [...names, 'vault-agent'].map((name) => ({ name })) },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
        containerStatuses: [
          ...names.map((name) => running(name)),
          running('vault-agent', { ready: false, seconds: 300 }),
        ],
      },
    },
  ),
  shows(
    {
      kind: 8,
      name: 'the second of two gates',
      source: 'KEP-580, GKE',
      state: ['starting', 'failing'],
      reason: ['readiness-gate'],
      says: [/load-balancer-neg-ready/],
      never: /target-health/,
    },
    {
      spec: {
        ...onNode,
        readinessGates: [
          { conditionType: 'target-health.elbv2.k8s.aws/a' },
          { conditionType: 'cloud.google.com/load-balancer-neg-ready' },
        ],
      },
      status: {
        ...allRun,
        conditions: [
          { type: 'target-health.elbv2.k8s.aws/a', status: 'True' },
          { type: 'ContainersReady', status: 'True', lastTransitionTime: ago(300) },
          {
            type: 'Ready',
            status: 'False',
            reason: 'ReadinessGatesNotReady',
            message:
              'corresponding condition of pod readiness gate "cloud.google.com/load-balancer-neg-ready" does not exist.',
          },
        ],
      },
    },
  ),
  shows(
    {
      kind: 8,
      name: 'a clone that takes a quarter of an hour',
      source: 'this application',
      state: ['starting', 'failing'],
      actor: ['owner'],
      reason: ['starting-slow', 'cloning'],
      says: [/clon/],
      toDo: /check/,
    },
    {
      spec: { ...onNode, initContainers: [{ name: 'clone-repository' }] },
      status: {
        conditions: [scheduledAt(1_000)],
        initContainerStatuses: [running('clone-repository', { ready: false, seconds: 900 })],
        containerStatuses: names.map((name) => waiting(name, 'PodInitializing')),
      },
    },
  ),
  shows(
    {
      kind: 8,
      name: 'an init container of another program that does not begin',
      source: 'linkerd: linkerd-init',
      state: ['starting', 'failing'],
      reason: ['creating', 'starting-slow'],
      says: [/longer than usual/],
      never: /cloned/,
    },
    {
      spec: { ...onNode, initContainers: [{ name: 'clone-repository' }, { name: 'linkerd-init' }] },
      status: {
        conditions: [
          scheduledAt(400),
          { type: 'PodReadyToStartContainers', status: 'True', lastTransitionTime: ago(390) },
        ],
        initContainerStatuses: [
          {
            name: 'clone-repository',
            ready: true,
            restartCount: 0,
            state: { terminated: { exitCode: 0, reason: 'Completed', finishedAt: ago(380) } },
          },
          waiting('linkerd-init', 'PodInitializing'),
        ],
        containerStatuses: names.map((name) => waiting(name, 'PodInitializing')),
      },
    },
  ),
  shows(
    {
      kind: 8,
      name: 'the image of an init container of another program',
      source: 'linkerd: linkerd-init',
      reason: ['image-not-found'],
      says: [/linkerd-init/],
      never: /opencode-server/,
    },
    {
      spec: { ...onNode, initContainers: [{ name: 'linkerd-init', image: 'cr.example.com/proxy-init:v9' }] },
      status: {
        conditions: [scheduledAt(60)],
        initContainerStatuses: [
          waiting(
            'linkerd-init',
            'ImagePullBackOff',
            'Back-off pulling image "cr.example.com/proxy-init:v9": ErrImagePull: failed to pull and unpack image "cr.example.com/proxy-init:v9": failed to resolve image: cr.example.com/proxy-init:v9: not found',
          ),
        ],
        containerStatuses: names.map((name) => waiting(name, 'PodInitializing')),
      },
    },
  ),
  shows(
    {
      kind: 8,
      name: 'a queue that holds the pod for five minutes',
      source: 'KEP-3521, Kueue',
      state: ['starting', 'failing'],
      reason: ['scheduling-gated'],
      says: [/kueue\.x-k8s\.io\/topology/],
    },
    {
      spec: { schedulingGates: [{ name: 'kueue.x-k8s.io/topology' }, { name: 'example.com/hold' }] },
      status: {
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'SchedulingGated',
            message: 'Scheduling is blocked due to non-empty scheduling gates',
            lastTransitionTime: ago(300),
          },
        ],
      },
    },
  ),

  // 9. Time: nodes have clocks of their own.
  shows(
    {
      kind: 9,
      name: 'the clock of the node is an hour ahead',
      firstRun: 'waited for an hour longer',
      source: 'kubernetes: kuberuntime (startedAt)',
      state: ['starting', 'failing'],
      actor: ['owner', 'administrator'],
      reason: ['starting-slow'],
      says: [/opencode-server/],
      toDo: /check/,
    },
    {
      spec: onNode,
      status: {
        phase: 'Running',
        conditions: [scheduledAt(1_700)],
        containerStatuses: [
          running('opencode-server', { ready: false, seconds: -3_000 }),
          ...rest.map((name) => running(name, { seconds: -3_000 })),
        ],
      },
    },
  ),
  shows(
    {
      kind: 9,
      name: 'the clock of the node is an hour behind',
      firstRun: 'called a new container slow',
      source: 'kubernetes: kuberuntime (startedAt)',
      ...passes,
      reason: ['starting'],
      says: [/1 of 3|2 of 3/],
      toDo: /ready/,
      never: /longer than usual/,
    },
    {
      metadata: { creationTimestamp: ago(20) },
      spec: onNode,
      status: {
        phase: 'Running',
        conditions: [scheduledAt(20)],
        containerStatuses: [
          running('opencode-server', { ready: false, seconds: 3_610 }),
          ...rest.map((name) => running(name, { seconds: 3_610 })),
        ],
      },
    },
  ),
  shows(
    {
      kind: 9,
      name: 'a pull that a node with a late clock began',
      firstRun: 'did not see the pull',
      source: 'kubernetes: events of the kubelet',
      ...passes,
      reason: ['creating'],
      says: [/being fetched/],
      toDo: /images/,
      never: /longer than usual/,
    },
    {
      metadata: { creationTimestamp: ago(20) },
      spec: onNode,
      status: { conditions: [scheduledAt(20)], containerStatuses: names.map((name) => waiting(name)) },
      events: [
        {
          reason: 'Pulling',
          container: 'opencode-server',
          isWarning: false,
          message: 'Pulling image "registry.example.com/a:1"',
          from: 3_610,
          to: 3_610,
        },
      ],
    },
  ),

  // 10. Deletion.
  shows(
    {
      kind: 10,
      name: 'a runtime that does not kill in time',
      firstRun: 'did not say what the node reports',
      source: 'kubernetes: pod_workers.go',
      state: ['stopping'],
      reason: ['stuck-terminating'],
      says: [/did not kill the pod/],
      toDo: /node-7/,
    },
    {
      metadata: deleting(120),
      spec: onNode,
      status: allRun,
      events: [
        {
          reason: 'ExceededGracePeriod',
          message: 'Container runtime did not kill the pod within specified grace period.',
          from: 100,
          to: 100,
        },
      ],
    },
  ),
  shows(
    {
      kind: 10,
      name: 'a stop hook that fails',
      source: 'kubernetes: kuberuntime_container.go',
      state: ['stopping'],
      actor: ['nobody'],
      toDo: /by itself/,
      reason: ['stopping'],
      says: [/stopping/],
      never: /start hook/,
    },
    {
      metadata: deleting(-20),
      spec: onNode,
      status: allRun,
      events: [{ reason: 'FailedPreStopHook', container: 'opencode-server', message: 'PreStopHook failed', from: 5 }],
    },
  ),
  shows(
    {
      kind: 10,
      name: 'a waiting pod that is deleted',
      source: 'kubernetes: scheduler',
      state: ['stopping'],
      actor: ['nobody'],
      toDo: /by itself/,
      reason: ['stopping'],
      says: [/stopping/],
      never: /CPU/,
    },
    {
      metadata: deleting(0),
      status: {
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: cpu, lastTransitionTime: ago(90) },
        ],
      },
    },
  ),
  shows(
    {
      kind: 10,
      name: 'a network that cannot be taken down',
      firstRun: 'quoted the steps and cut off the cause',
      source: 'calico: cni-plugin',
      state: ['stopping'],
      reason: ['stuck-terminating'],
      says: [/Kubernetes reports/, /Unauthorized/],
      never: /permission|credentials/,
      toDo: /node-7/,
    },
    {
      metadata: deleting(300),
      spec: onNode,
      status: allRun,
      events: [
        {
          reason: 'FailedKillPod',
          message:
            'error killing pod: [failed to "KillPodSandbox" for "1f" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox \\"1f\\": plugin type=\\"calico\\" failed (delete): error getting ClusterInformation: connection is unauthorized: Unauthorized"]',
          from: 200,
        },
      ],
    },
  ),
  {
    ...usual,
    kind: 10,
    name: 'the claim of a deleted project that a snapshot holds',
    source: 'external-snapshotter',
    state: ['stopping'],
    reason: ['stuck-on-finalizer'],
    says: [/pvc-as-source-protection/],
    diagnose: () => {
      const finalizers = ['kubernetes.io/pvc-protection', 'snapshot.storage.kubernetes.io/pvc-as-source-protection'];
      const held = diagnoseHeldClaim(claimOf({ deletionTimestamp: ago(300), finalizers }), now);
      if (!held) throw new Error('Nothing holds the claim.');
      return held;
    },
  },

  // The second run: more of each kind, after the rules were changed for the first.
  refuses(
    {
      kind: 1,
      name: 'a quota that wants limits for two containers',
      source: 'kubernetes: resourcequota/controller.go since 1.27',
      state: ['failed'],
      reason: ['quota-unspecified'],
      says: [/cpu/, /memory/],
      toDo: /settings/,
      never: /used up/,
    },
    403,
    `${refusedPod}failed quota: compute: must specify limits.cpu for: file-browser,opencode-server; limits.memory for: opencode-server`,
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'a quota of one storage class',
      source: 'kubernetes: resource-quotas',
      state: ['failed'],
      actor: ['administrator', 'owner'],
      reason: ['quota-exceeded'],
      says: [/storage/, /gold/],
      toDo: /raise|stopped/,
    },
    403,
    'persistentvolumeclaims "workspace-x" is forbidden: exceeded quota: storage, requested: gold.storageclass.storage.k8s.io/requests.storage=1Gi, used: gold.storageclass.storage.k8s.io/requests.storage=10Gi, limited: gold.storageclass.storage.k8s.io/requests.storage=10Gi',
    { reason: 'Forbidden', details: { kind: 'persistentvolumeclaims' } },
  ),
  refuses(
    {
      kind: 1,
      name: 'a certificate of a webhook',
      source: 'istio: sidecar injector',
      actor: ['administrator', 'nobody'],
      reason: ['admission-unavailable'],
      says: [/certificate/, /inject\.istio\.io/],
      toDo: /webhook/,
    },
    500,
    'Internal error occurred: failed calling webhook "namespace.sidecar-inject.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    { reason: 'InternalError' },
  ),
  refuses(
    {
      kind: 1,
      name: 'a permission of a cloud',
      source: 'cloud.google.com/kubernetes-engine: IAM',
      state: ['failing', 'failed'],
      reason: ['forbidden'],
      says: [/permission/, /create pods/],
      toDo: /grant/,
    },
    403,
    'pods is forbidden: User "worker@acme.iam.gserviceaccount.com" cannot create resource "pods" in API group "" in the namespace "opencode": requires one of ["container.pods.create"] permission(s).',
    forbidden,
  ),
  refuses(
    {
      kind: 1,
      name: 'a page of a proxy',
      source: 'nginx',
      state: ['failing', 'failed'],
      reason: ['refused'],
      says: [/Kubernetes reports/, /not known/],
      never: /permission in the cluster/,
    },
    403,
    '<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n</body>\r\n</html>',
  ),
  refuses(
    {
      kind: 1,
      name: 'a policy that quotes a webhook',
      source: 'kyverno: message of a rule',
      state: ['failed'],
      reason: ['admission-denied'],
      says: [/no-retries/],
      toDo: /policy/,
      never: /could not be reached|did not answer/,
    },
    400,
    'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/opencode/project-x was blocked due to the following policies \n\nno-retries:\n  check: \'validation error: do not retry after failed calling webhook "x": context deadline exceeded. rule check failed at path /metadata/\'\n',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a queue of YuniKorn',
      source: 'yunikorn-k8shim: context.go',
      reason: ['unschedulable'],
      says: [/Kubernetes reports/, /queue/],
      never: /too little free/,
      toDo: /not known/,
    },
    'Request does not fit in queue root.opencode (requested map[memory:1 pods:1 vcore:1], available map[memory:0])',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a cloud without addresses',
      source: 'cloud.google.com/kubernetes-engine: FailedScaleUp',
      reason: ['unschedulable'],
      says: [/CPU/, /IP space exhausted/],
      never: /no such machine/,
    },
    cpu,
    {
      events: [
        {
          reason: 'FailedScaleUp',
          component: 'cluster-autoscaler',
          message:
            'Node scale up in zones us-central1-c associated with this pod failed: IP space exhausted. Pod is at risk of not being scheduled.',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'a node that AWS takes back',
      source: 'aws-node-termination-handler: taints',
      reason: ['unschedulable'],
      says: [/memory/, /being removed/],
      never: /reserved/,
    },
    '0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {aws-node-termination-handler/spot-itn: 1}. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
  ),
  unscheduled(
    {
      kind: 2,
      name: 'no volume of a class without a driver',
      source: 'kubernetes: volumebinding/binder.go',
      reason: ['unschedulable', 'volume-pending'],
      says: [/no free volume fits/],
      toDo: /volume/,
    },
    "0/4 nodes are available: 4 node(s) didn't find available persistent volumes to bind. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
    {
      claim: claimOf({ phase: 'Pending' }),
      events: [
        {
          kind: 'PersistentVolumeClaim',
          component: 'persistentvolume-controller',
          reason: 'WaitForFirstConsumer',
          isWarning: false,
          message: 'waiting for first consumer to be created before binding',
        },
      ],
    },
  ),
  unscheduled(
    {
      kind: 2,
      name: 'room that is made for too long',
      source: 'kubernetes: framework/preemption',
      state: ['starting', 'failing'],
      reason: ['waiting-for-node'],
      says: [/node-3/, /priority/],
    },
    cpu,
    {
      status: {
        nominatedNodeName: 'node-3',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: cpu,
            lastTransitionTime: ago(600),
          },
        ],
      },
    },
  ),
  unprovisioned(
    {
      kind: 3,
      name: 'a right that a driver lacks, with the word quota',
      source: 'gcp-filestore-csi-driver',
      reason: ['volume-pending'],
      says: [/not allowed/],
      toDo: /permission/,
      never: /no quota/,
    },
    'failed to provision volume with StorageClass "filestore": rpc error: code = PermissionDenied desc = Permission \'serviceusage.quotas.update\' denied: quota exceeded checks need it',
  ),
  unprovisioned(
    { kind: 3, name: 'no group of disks', source: 'openebs/lvm-localpv', reason: ['volume-pending'], says: [/space/] },
    'failed to provision volume with StorageClass "lvm": rpc error: code = ResourceExhausted desc = no vg available to serve volume request having regex="^vg$" & capacity="1073741824"',
  ),
  unscheduled(
    {
      kind: 3,
      name: 'a claim that was created again, and old words of the scheduler',
      source: 'kubernetes: volumebinding',
      state: ['starting', 'failing'],
      actor: ['nobody', 'administrator'],
      reason: ['volume-pending', 'waiting-for-node', 'unschedulable'],
      says: [/volume|node/],
      toDo: /itself|administrator/,
      never: /volume of the project is being deleted/,
    },
    '0/3 nodes are available: persistentvolumeclaim "workspace-x" is being deleted. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    { claim: claimOf({ phase: 'Pending', creationTimestamp: ago(5) }) },
  ),
  ended(
    {
      kind: 4,
      name: 'low memory, and a container with the name limit',
      source: 'kubernetes: eviction/helpers.go',
      actor: ['administrator', 'nobody'],
      reason: ['node-pressure'],
      says: [/short of memory/],
      never: /limit allows|limit of its own/,
    },
    'Evicted',
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 92Mi. Container opencode-server was using 2890108Ki, request is 256Mi, which exceeds its request. Container limit-watcher was using 1Ki, limit is 2Ki.',
  ),
  ended(
    {
      kind: 4,
      name: 'an eviction by the kubelet with a new text',
      source: 'kubernetes: DisruptionTarget TerminationByKubelet',
      actor: ['administrator', 'nobody'],
      reason: ['evicted', 'node-pressure'],
      says: [/Kubernetes reports/],
      never: /limit allows|limit of its own/,
    },
    'Evicted',
    'Node swap usage exceeds the soft limit of the machine.',
    { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }] },
  ),
  waits(
    {
      kind: 5,
      name: 'a program with the name of a device',
      source: 'runc: standard_init_linux.go',
      reason: ['start-error'],
      says: [/nvidia-tool/],
      toDo: /command/,
      never: /device that it needs/,
    },
    'RunContainerError',
    'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/usr/bin/nvidia-tool": stat /usr/bin/nvidia-tool: no such file or directory: unknown',
  ),
  waits(
    {
      kind: 5,
      name: 'crun, and a program with the name seccomp',
      source: 'crun: src/libcrun/utils.c',
      reason: ['start-error'],
      says: [/command/],
      never: /seccomp profile/,
    },
    'CreateContainerError',
    'container create failed: executable file `/app/seccomp-run` not found in $PATH: No such file or directory',
  ),
  waits(
    {
      kind: 5,
      name: 'a virtual machine that does not answer',
      source: 'kata-containers: runtime',
      reason: ['create-container-error', 'start-error'],
      says: [/in time|Kubernetes reports/],
      never: /memory limit|command/,
    },
    'CreateContainerError',
    'failed to create containerd task: failed to create shim task: Failed to Check if grpc server is working: rpc error: code = DeadlineExceeded desc = timed out connecting to vsock 1:1024',
  ),
  waits(
    {
      kind: 5,
      name: 'a node that does not know its address',
      source: 'kubernetes: kubelet_pods.go',
      state: ['failing', 'starting'],
      actor: ['nobody'],
      reason: ['config-error'],
      says: [/has not read/],
      toDo: /again by itself/,
    },
    'CreateContainerConfigError',
    'host IP unknown; known addresses: []',
  ),
  pulls(
    {
      kind: 6,
      name: 'a handshake that takes too long',
      source: 'Go: net/http',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/reached|in time/],
      never: /certificate|do not agree/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://registry.example.com/v2/a/blobs/sha256:aa": net/http: TLS handshake timeout',
  ),
  pulls(
    {
      kind: 6,
      name: 'a manifest that is another one',
      firstRun: 'quoted both attempts of CRI-O, which was true, but named no cause',
      source: 'containers/image: image/docker',
      reason: ['image-pull-failed'],
      says: [/not a valid image/],
      never: /not found/,
    },
    'unable to pull image or OCI artifact: pull image err: copying system image from manifest list: Manifest does not match provided manifest digest sha256:aabbccddeeff00112233; artifact err: provided artifact is a container image',
  ),
  pulls(
    {
      kind: 6,
      name: 'an image that a law forbids',
      source: 'RFC 7725',
      reason: ['image-pull-failed'],
      says: [/Kubernetes reports/, /451/, /not known/],
      never: /denied|not found in/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to resolve image: unexpected status from HEAD request to https://registry.example.com/v2/a/manifests/1: 451 Unavailable For Legal Reasons',
  ),
  pulls(
    {
      kind: 6,
      name: 'a mirror with the port 5000 and no answer',
      source: 'the stem of a name',
      actor: ['administrator', 'nobody'],
      reason: ['image-unreachable'],
      says: [/reached/],
      never: /answers with an error|too many/,
    },
    'failed to pull and unpack image "registry.example.com/a:1": failed to resolve image: failed to do request: Head "http://mirror:5000/v2/a/manifests/429": dial tcp 10.0.4.29:5000: i/o timeout',
  ),
  prepares(
    {
      kind: 7,
      name: 'too many requests at an attachment',
      source: 'aws-ebs-csi-driver',
      reason: ['attach-failed'],
      says: [/requests/],
      never: /as many volumes/,
    },
    [
      {
        reason: 'FailedAttachVolume',
        component: 'attachdetach-controller',
        message:
          'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Could not attach volume "vol-1" to node "i-1": operation error EC2: AttachVolume, https response error StatusCode: 503, RequestID: 1, api error RequestLimitExceeded: Request limit exceeded.',
        from: 300,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'the attachments of a machine',
      source: 'aws-ebs-csi-driver',
      reason: ['attach-failed'],
      says: [/as many volumes/],
      never: /requests/,
    },
    [
      {
        reason: 'FailedAttachVolume',
        component: 'attachdetach-controller',
        message:
          'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Could not attach volume "vol-1" to node "i-1": api error AttachmentLimitExceeded: The maximum number of attachments has been reached.',
        from: 300,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'a network of Multus with the words of a cause',
      source: 'multus-cni: the stem of a name',
      reason: ['network-failed'],
      says: [/network/, /Kubernetes reports/],
      never: /no free network address|not ready/,
    },
    [
      {
        reason: 'FailedCreatePodSandBox',
        message:
          'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1f": plugin type="multus-cni" name="multus-cni-network" failed (add): Multus: error loading k8s delegates: cannot find a network-attachment-definition "ipam-range-is-full" in namespace "opencode"',
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'a file server that speaks another version',
      source: 'nfs-utils',
      reason: ['mount-failed'],
      says: [/Kubernetes reports/, /Protocol not supported/],
      never: /denies|in time|does not exist/,
    },
    [
      {
        reason: 'FailedMount',
        message:
          'MountVolume.SetUp failed for volume "pvc-1" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.0.0.7:/export/timed-out /var/lib/kubelet/pods/1/volumes/kubernetes.io~nfs/pvc-1\nOutput: mount.nfs: Protocol not supported',
        from: 300,
      },
    ],
  ),
  prepares(
    {
      kind: 7,
      name: 'the runtime does not answer for five minutes',
      source: 'kubernetes: cri-client',
      reason: ['sandbox-failed'],
      says: [/too long/],
      never: /network/,
    },
    [
      {
        reason: 'FailedCreatePodSandBox',
        message: 'Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context deadline exceeded',
        from: 300,
      },
    ],
  ),
  shows(
    {
      kind: 8,
      name: 'a restart that does not come',
      source: 'containerd: exit code 255 after a restart',
      state: ['starting', 'failing'],
      reason: ['interrupted'],
      says: [/restart of its node/],
      toDo: /administrator must check the node/,
    },
    {
      spec: onNode,
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            ...waiting('opencode-server', 'CrashLoopBackOff'),
            restartCount: 1,
            lastState: { terminated: { exitCode: 255, reason: 'Unknown', finishedAt: ago(900) } },
          },
          ...rest.map((name) => running(name)),
        ],
      },
    },
  ),
  shows(
    {
      kind: 10,
      name: 'a drained pod with a finalizer',
      source: 'kubernetes: DisruptionTarget, batch.kubernetes.io/job-tracking',
      state: ['stopping'],
      actor: ['nobody', 'administrator'],
      reason: ['drained', 'stopping'],
      says: [/drained|moved/],
      toDo: /new pod|itself/,
    },
    {
      metadata: { ...deleting(-20), finalizers: ['example.com/audit'] },
      spec: onNode,
      status: {
        ...allRun,
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'EvictionByEvictionAPI',
            message: 'Eviction API: evicting',
          },
        ],
      },
    },
  ),
];
