/**
 * Cases of pods without a node, of claims, of nodes that prepare a pod, and of pods that stop. They were collected from
 * public issues and from the sources of the programs after the rules had been written. Each row gives only what matters.
 * The file has only data, hence its length.
 */

import type { Diagnosis } from '../../src/worker/pods/diagnosis/diagnosis.ts';
import type { PodSnapshot } from '../../src/worker/pods/diagnosis/pod-snapshot.ts';
import { ago, claimOf, event, names, now, podOf, type EventInput } from './case-builders.ts';

export interface CollectedCase {
  name: string;
  /** Where the words are from. */
  source: string;
  snapshot: PodSnapshot;
  state: Diagnosis['state'][];
  actor: Diagnosis['actor'][];
  /** Texts that must appear in the message or the next step. */
  mentions: string[];
  /** A cause that would be wrong. */
  never?: RegExp;
}

const lists = { state: ['failing' as const], actor: ['administrator' as const] };
type Expected = Partial<Pick<CollectedCase, 'state' | 'actor' | 'never'>> &
  Pick<CollectedCase, 'name' | 'source' | 'mentions'>;

/** A pod without a node, with the scheduler's words. */
function waits(
  expected: Expected,
  message: string,
  {
    events = [],
    claim = claimOf(),
    pod = {},
    reason = 'Unschedulable',
  }: {
    events?: EventInput[];
    claim?: PodSnapshot['claim'];
    pod?: { spec?: object; status?: object };
    reason?: string;
  } = {},
): CollectedCase {
  const conditions =
    message === '' && reason === 'Unschedulable'
      ? []
      : [{ type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime: ago(90) }];
  const snapshot = {
    pod: podOf({ ...pod, status: { conditions, ...pod.status } }),
    events: events.map(event),
    claim,
    now,
  };
  return { ...lists, ...expected, snapshot };
}

/** A pod whose claim has no volume, with an event about the claim. */
const withoutVolume = (expected: Expected, about: Omit<EventInput, 'kind'>) =>
  waits(expected, '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found', {
    claim: claimOf({ phase: 'Pending' }),
    events: [{ ...about, kind: 'PersistentVolumeClaim' }],
  });

/** A pod that its node prepares, with an event of the node. */
function prepares(
  expected: Expected,
  about: EventInput,
  { spec: more = {}, claim = claimOf() }: { spec?: object; claim?: PodSnapshot['claim'] } = {},
): CollectedCase {
  const waiting = { ready: false, state: { waiting: { reason: 'ContainerCreating' } } };
  const status = {
    conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: ago(about.from ?? 60) }],
    containerStatuses: names.map((name) => ({ name, ...waiting })),
  };
  const spec = { nodeName: 'node-7', ...more };
  return {
    ...lists,
    ...expected,
    snapshot: { pod: podOf({ spec, status }), events: [event(about)], claim, now },
  };
}

const runs = (ready = true) => ({ ready, started: true, restartCount: 0, state: { running: { startedAt: ago(700) } } });
const running = { phase: 'Running', containerStatuses: names.map((name) => ({ name, ...runs() })) };

/** A pod on a node that runs, or has run. */
function runsOn(expected: Expected, pod: Parameters<typeof podOf>[0], more: Partial<PodSnapshot> = {}): CollectedCase {
  const spec = { nodeName: 'node-7', ...pod.spec };
  const status = { ...running, ...pod.status };
  return {
    ...lists,
    ...expected,
    snapshot: { pod: podOf({ ...pod, spec, status }), events: [], claim: claimOf(), now, ...more },
  };
}

const cpu =
  '0/12 nodes are available: 12 Insufficient cpu. preemption: 0/12 nodes are available: 12 No preemption victims found for incoming pod.';
const autoscaler = { component: 'cluster-autoscaler', reason: 'NotTriggerScaleUp' };
const karpenter = { component: 'karpenter', reason: 'FailedScheduling' };
const provisioner = { component: 'csi-provisioner', reason: 'ProvisioningFailed' };
const sandbox = { reason: 'FailedCreatePodSandBox' };
const starting = { state: ['starting' as const], actor: ['nobody' as const] };

export const collectedCases: CollectedCase[] = [
  // Scheduling.
  waits(
    {
      name: 'autoscaler at its limit',
      source: 'github.com/kubernetes/autoscaler/issues/5692',
      mentions: ['CPU', 'largest number of nodes'],
    },
    cpu,
    {
      events: [
        {
          ...autoscaler,
          message:
            "pod didn't trigger scale-up: 12 node(s) didn't match Pod's node affinity/selector, 3 max node group size reached",
        },
      ],
    },
  ),
  waits(
    {
      name: 'autoscaler of 2020',
      source: 'github.com/kubernetes/autoscaler/issues/3268',
      mentions: ['CPU', 'max limit reached'],
    },
    cpu,
    {
      events: [
        {
          ...autoscaler,
          message: "pod didn't trigger scale-up (it wouldn't fit if a new node is added): 1 max limit reached",
        },
      ],
    },
  ),
  waits(
    {
      name: 'autoscaler that names no reason',
      source: 'github.com/kubernetes/autoscaler/issues/1607',
      mentions: ['CPU', 'adds no node'],
    },
    cpu,
    { events: [{ ...autoscaler, message: "pod didn't trigger scale-up (it wouldn't fit if a new node is added)" }] },
  ),
  waits(
    {
      name: 'autoscaler after a failed attempt',
      source: 'cluster-autoscaler/clusterstate',
      mentions: ['earlier attempt'],
    },
    cpu,
    { events: [{ ...autoscaler, message: "pod didn't trigger scale-up: 2 in backoff after failed scale-up" }] },
  ),
  waits(
    {
      name: 'Karpenter nominates for 24 minutes',
      source: 'github.com/kubernetes-sigs/karpenter/issues/932',
      mentions: ['memory', '15 minutes'],
    },
    "0/8 nodes are available: 1 Insufficient memory, 1 node(s) didn't find available persistent volumes to bind, 2 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}, 4 node(s) had untolerated taint {im-a-sparklike: true}. preemption: 0/8 nodes are available: 1 No preemption victims found for incoming pod, 7 Preemption is not helpful for scheduling..",
    {
      events: [
        {
          reason: 'Nominated',
          component: 'karpenter',
          from: 1_440,
          to: 108,
          message: 'Pod should schedule on: nodeclaim/default-cvkcv, node/ip-10-199-71-41.ec2.internal',
        },
      ],
    },
  ),
  waits(
    {
      name: 'Karpenter has no large enough machine',
      source: 'github.com/aws/karpenter-provider-aws/issues/4738',
      mentions: ['adds no node', 'large enough'],
    },
    cpu,
    {
      events: [
        {
          ...karpenter,
          message:
            'Failed to schedule pod, incompatible with provisioner "bitbucket", daemonset overhead={"cpu":"655m"}, did not tolerate bitbucket=true:NoSchedule; incompatible with provisioner "monitoring", no instance type satisfied resources {"cpu":"2655m"} and requirements kubernetes.io/arch In [amd64 arm64]',
        },
      ],
    },
  ),
  waits(
    {
      name: 'Karpenter at the limit of its pools',
      source: 'github.com/kubernetes-sigs/karpenter/issues/2123',
      mentions: ['adds no node', 'limit'],
    },
    cpu,
    {
      events: [
        {
          ...karpenter,
          message:
            'Failed to schedule pod, all available instance types exceed limits for nodepool (NodePool=stable-multi-az)',
        },
      ],
    },
  ),
  waits(
    {
      name: 'Karpenter with an unknown label',
      source: 'github.com/kubernetes-sigs/karpenter/issues/2123',
      mentions: ['adds no node', 'placement rules'],
    },
    cpu,
    {
      events: [
        {
          ...karpenter,
          message:
            'Failed to schedule pod, incompatible with nodepool "kb-demo", daemonset overhead={"cpu":"681m"}, incompatible requirements, label "node-role.kaas.acquia.io/stable" does not have known values',
        },
      ],
    },
  ),
  waits(
    {
      name: 'GKE has no machine',
      source: 'cloud.google.com/kubernetes-engine: cluster autoscaler events',
      mentions: ['cloud'],
    },
    cpu,
    {
      events: [
        {
          reason: 'FailedScaleUp',
          component: 'cluster-autoscaler',
          message:
            'Node scale up in zones us-east1-b associated with this pod failed: GCE out of resources. Pod is at risk of not being scheduled.',
        },
      ],
    },
  ),
  waits(
    {
      name: 'spread and taints',
      source: 'github.com/red-hat-storage/ocs-operator/pull/4163',
      mentions: ['spread', 'control-plane'],
    },
    "0/6 nodes are available: 1 node(s) had untolerated taint {unschedulable: true}, 2 node(s) didn't match pod topology spread constraints, 3 node(s) had untolerated taint {node-role.kubernetes.io/master: }. preemption: 0/6 nodes are available: 2 node(s) didn't match pod topology spread constraints, 4 Preemption is not helpful for scheduling.",
  ),
  waits(
    {
      name: 'unreachable node',
      source: 'github.com/hystax/optscale/issues/568',
      mentions: ['does not answer', 'check the nodes'],
    },
    '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ),
  waits(
    { name: 'taints of 2019', source: 'github.com/canonical/microk8s/issues/483', mentions: ['other work'] },
    "0/5 nodes are available: 5 node(s) had taints that the pod didn't tolerate.",
  ),
  waits(
    { name: 'pods as a resource', source: 'kubernetes v1.10, predicates.go', mentions: ['maximum number of pods'] },
    '0/2 nodes are available: 2 Insufficient pods.',
  ),
  waits(
    {
      name: 'agent of the network not ready',
      source: 'github.com/cilium/cilium/issues/40312',
      mentions: ['not ready'],
    },
    '0/6 nodes are available: 3 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 node(s) had untolerated taint {node.cilium.io/agent-not-ready: }. preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.',
  ),
  waits(
    { name: 'Volcano', source: 'github.com/volcano-sh/volcano: unschedule_info.go', mentions: ['memory'] },
    '0/3 nodes are unavailable: 3 Insufficient memory.',
  ),
  waits(
    { name: 'devices', source: 'kubernetes: plugins/dynamicresources', mentions: ['devices'] },
    '0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  ),
  waits(
    {
      name: 'affinity before the nodes are tried',
      source: 'kubernetes: plugins/nodeaffinity PreFilter',
      mentions: ['Kubernetes reports'],
      never: /CPU|memory|volume/,
    },
    '0/3 nodes are available: pod affinity terms conflict. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
  ),
  waits(
    {
      name: 'a plugin of somebody',
      source: 'koordinator: UnifiedCustomPodAffinity',
      mentions: ["didn't satisfy custom pods affinity"],
    },
    "0/3 nodes are available: 3 node(s) didn't satisfy custom pods affinity. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
  ),
  waits(
    { name: 'ReadWriteOncePod', source: 'kubernetes: plugins/volumerestrictions', mentions: ['another pod', 'volume'] },
    '0/2 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode, 1 node(s) had untolerated taint(s). preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
  ),
  waits(
    {
      name: 'ReadWriteOncePod before the nodes are tried',
      source: 'kubernetes: plugins/volumerestrictions PreFilter',
      mentions: ['another pod'],
    },
    '0/2 nodes are available: node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode.',
  ),
  waits(
    {
      name: 'too many volumes',
      source: 'kubernetes: plugins/nodevolumelimits',
      mentions: ['maximum number of volumes'],
    },
    '0/4 nodes are available: 4 node(s) exceed max volume count. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod.',
  ),
  waits(
    {
      ...starting,
      name: 'room is being made',
      source: 'kubernetes: framework/preemption',
      mentions: ['node-3', 'priority'],
    },
    '0/3 nodes are available: 3 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.',
    { pod: { status: { nominatedNodeName: 'node-3' } } },
  ),
  waits(
    {
      name: 'gate of an unknown program',
      source: 'KEP-3521',
      state: ['starting', 'failing'],
      mentions: ['example.com/quota'],
    },
    'Scheduling is blocked due to non-empty scheduling gates',
    { reason: 'SchedulingGated', pod: { spec: { schedulingGates: [{ name: 'example.com/quota' }] } } },
  ),
  waits(
    { name: 'no nodes', source: 'kubernetes: schedule_one.go', mentions: ['no nodes'] },
    'no nodes available to schedule pods',
  ),
  waits(
    {
      name: 'the binding is refused',
      source: 'kubernetes: defaultbinder',
      mentions: ['Kubernetes reports'],
      state: ['failing', 'starting'],
    },
    'running Bind plugin "DefaultBinder": Operation cannot be fulfilled on pods/binding "project-x": pod project-x is being deleted, cannot be assigned to a host',
    { reason: 'SchedulerError' },
  ),

  waits(
    {
      name: 'gang of Volcano',
      source: 'github.com/volcano-sh/volcano/issues/4311',
      mentions: ['pod group is not ready'],
    },
    'pod group is not ready, 1 Pending, 1 minAvailable; Pending: 1 Unschedulable',
  ),
  waits(
    {
      name: 'older gang of Volcano',
      source: 'github.com/volcano-sh/volcano/issues/2416',
      mentions: ['tasks in gang unschedulable'],
    },
    '1/1 tasks in gang unschedulable: pod group is not ready, 1 Pending, 1 minAvailable; Pending: 1 Undetermined',
  ),
  waits(
    {
      name: 'scheduler of YuniKorn that waits',
      source: 'github.com/awslabs/data-on-eks/issues/690',
      state: ['starting', 'failing'],
      mentions: ['yunikorn'],
    },
    '',
    { pod: { spec: { schedulerName: 'yunikorn' } } },
  ),

  // Claims.
  waits(
    {
      name: 'claim not found',
      source: 'a public CKA solution',
      actor: ['nobody'],
      mentions: ['volume', 'does not exist'],
    },
    '0/2 nodes are available: 2 persistentvolumeclaim "mysql-alpha-pvc" not found. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    { claim: null },
  ),
  ...['is being deleted', 'not found'].map((words) =>
    waits(
      {
        ...starting,
        name: `a new claim, while the scheduler still says that the old one ${words}`,
        source: 'kubernetes: volumebinding, PersistentVolumeClaim/Add',
        mentions: ['waiting for a node'],
        never: /deleted|not known|does not exist/,
      },
      `0/3 nodes are available: persistentvolumeclaim "workspace-x" ${words}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`,
      { claim: claimOf({ creationTimestamp: ago(4) }) },
    ),
  ),
  waits(
    { name: 'claim not bound in 2018', source: 'kubernetes v1.10, volume binder', mentions: ['volume'] },
    'PersistentVolumeClaim is not bound: "mysql-volume-claim"',
    { claim: claimOf({ phase: 'Pending' }) },
  ),
  withoutVolume(
    {
      name: 'driver not configured',
      source: 'github.com/equinixmetal-archive/csi-packet/issues/15',
      mentions: ['controller not configured'],
    },
    {
      ...provisioner,
      message:
        'Failed to provision volume with StorageClass "csi-packet-standard": rpc error: code = Internal desc = controller not configured',
    },
  ),
  withoutVolume(
    { name: 'operation still running', source: 'github.com/rook/rook/issues/8727', mentions: ['volume'] },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "throwaway": rpc error: code = Aborted desc = an operation with the given Volume ID pvc-56ed064b already exists',
    },
  ),
  withoutVolume(
    {
      name: 'no right to create a disk',
      source: 'AWS EBS driver without its role',
      mentions: ['not allowed', 'permission'],
    },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "gp3": rpc error: code = Internal desc = Could not create volume "pvc-xxx": could not create volume in EC2: UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:sts::721622471953:assumed-role/x is not authorized to perform: ec2:CreateVolume',
    },
  ),
  withoutVolume(
    {
      name: 'storage network',
      source: 'github.com/piraeusdatastore/piraeus-operator/issues/563',
      mentions: ['Kubernetes reports'],
    },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "no-replication": rpc error: code = Internal desc = CreateVolume failed for pvc-f9073123-3fca-41dd-a3b7-b4452471dca0: Failed to adjust DRBD resource',
    },
  ),
  withoutVolume(
    {
      name: 'too many tags of a volume',
      source: 'aws-ebs-csi-driver: error codes of EC2',
      mentions: ['Kubernetes reports', 'TagLimitExceeded'],
      never: /space|quota/,
    },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "gp3": rpc error: code = Internal desc = Could not create volume "pvc-1": could not create volume in EC2: api error TagLimitExceeded: The maximum number of Tags has been reached.',
    },
  ),
  withoutVolume(
    { name: 'no answer', source: 'github.com/digitalocean/csi-digitalocean/issues/133', mentions: ['in time'] },
    {
      ...provisioner,
      message: 'failed to provision volume with StorageClass "do-block-storage": timed out waiting for the condition',
    },
  ),
  withoutVolume(
    { name: 'secret of the class', source: 'docs.storageos.com', mentions: ['failed to get secret'] },
    {
      ...provisioner,
      component: 'persistentvolume-controller',
      message:
        'Failed to provision volume with StorageClass "fast": failed to get secret from ["storageos"/"storageos-api"]',
    },
  ),
  withoutVolume(
    { name: 'access mode', source: 'github.com/rancher/local-path-provisioner', mentions: ['ReadWriteOnce'] },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "local-path": NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes',
    },
  ),
  withoutVolume(
    {
      name: 'class missing, reported by the driver',
      source: 'a public guide',
      mentions: ['fast-ssd', 'storage class'],
    },
    {
      ...provisioner,
      message:
        'Failed to provision volume with StorageClass "fast-ssd": storageclass.storage.k8s.io "fast-ssd" not found',
    },
  ),
  withoutVolume(
    { name: 'volume too small', source: 'kubernetes: pv_controller.go', mentions: ['too small'] },
    {
      reason: 'VolumeMismatch',
      component: 'persistentvolume-controller',
      message: 'Cannot bind to requested volume "pv-1": requested PV is too small',
    },
  ),
  withoutVolume(
    { name: 'no topology', source: 'external-provisioner: topology.go', mentions: ['zone'] },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "x": error generating accessibility requirements: no topology key found on CSINode node-1',
    },
  ),
  waits(
    {
      name: 'a finalizer holds the claim',
      source: 'github.com/arangodb/kube-arangodb/issues/157',
      mentions: ['pvc.database.arangodb.com/member-exists'],
    },
    '0/3 nodes are available: 3 persistentvolumeclaim "workspace-x" is being deleted.',
    { claim: claimOf({ deletionTimestamp: ago(120), finalizers: ['pvc.database.arangodb.com/member-exists'] }) },
  ),
  waits(
    { name: 'claim lost', source: 'kubernetes: pv_controller.go', mentions: ['lost', 'files'] },
    '0/3 nodes are available: persistentvolumeclaim "workspace-x" bound to non-existent persistentvolume "pvc-1".',
    {
      claim: claimOf({ phase: 'Lost' }),
      events: [
        {
          reason: 'ClaimLost',
          kind: 'PersistentVolumeClaim',
          component: 'persistentvolume-controller',
          message: 'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
        },
      ],
    },
  ),
  waits(
    { name: 'volumes that do not exist', source: 'kubernetes: volumebinding/binder.go', mentions: ['lost'] },
    '0/3 nodes are available: 3 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).',
  ),
  runsOn(
    {
      name: 'a running pod whose claim is being deleted',
      source: 'docs: storage object in use protection',
      state: ['ready'],
      actor: ['owner', 'administrator'],
      mentions: ['volume', 'files'],
    },
    { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    { claim: claimOf({ deletionTimestamp: ago(120), finalizers: ['kubernetes.io/pvc-protection'] }) },
  ),

  // The node prepares the pod.
  prepares(
    {
      name: 'attacher does not answer',
      source: 'github.com/ctrox/csi-s3/issues/107',
      mentions: ['attached', 'driver'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      from: 120,
      message:
        'AttachVolume.Attach failed for volume "pvc-9fefdb47" : timed out waiting for external-attacher of ch.ctrox.csi.s3-driver CSI driver to attach volume b/pvc-9fefdb47',
    },
  ),
  prepares(
    {
      name: 'attacher of 2021',
      source: 'github.com/kubernetes/kubernetes/pull/108628',
      mentions: ['attached', 'in time'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      from: 120,
      message: 'AttachVolume.Attach failed for volume "efs-pv" : Attach timeout for volume fs-0bd37fa1a498fc2c7',
    },
  ),
  prepares(
    {
      name: 'used by another pod',
      source: 'kubernetes: attachdetach/reconciler',
      actor: ['nobody'],
      mentions: ['another node'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message: 'Multi-Attach error for volume "pvc-3f9c" Volume is already used by pod(s) api-7d4f9-x2k1j',
    },
  ),
  prepares(
    {
      name: 'node without an id',
      source: 'github.com/kubernetes/kubernetes/issues/63300',
      mentions: ['Kubernetes reports', 'NodeID'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message: 'AttachVolume.Attach failed for volume "pvc-1" : node "host-172-16-120-15" has no NodeID annotation',
    },
  ),
  prepares(
    {
      name: 'network agent missing',
      source: 'github.com/cilium/cilium/issues/40345',
      mentions: ['network', 'not ready'],
    },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "eda8bab9e1914ec4": plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory',
    },
  ),
  prepares(
    { ...starting, name: 'network agent late', source: 'github.com/cilium/cilium/issues/6556', mentions: ['network'] },
    {
      ...sandbox,
      from: 5,
      message:
        'Failed create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "ed0135d1743810e0" network for pod "x": NetworkPlugin cni failed to set up pod "x_kube-system" network: unable to retrieve configuration from cilium-agent: Get http:///var/run/cilium/cilium.sock/v1/config: dial unix /var/run/cilium/cilium.sock: connect: no such file or directory',
    },
  ),
  prepares(
    {
      name: 'bridge with another address',
      source: 'a public note about flannel',
      mentions: ['network', 'already has an IP address'],
      never: /no free/,
    },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "8750eb9944a4692f": plugin type="flannel" failed (add): failed to delegate add: failed to set bridge addr: "cni0" already has an IP address different from 10.244.0.1/24',
    },
  ),
  prepares(
    {
      name: 'range used up',
      source: 'github.com/kubernetes/test-infra/issues/13039',
      mentions: ['no free network address'],
    },
    {
      ...sandbox,
      message:
        '(combined from similar events): Failed create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "42bf93c90d996c11": failed to allocate for range 0: no IP addresses available in range set: 10.60.28.1-10.60.28.254',
    },
  ),
  prepares(
    {
      name: 'no address on EKS',
      source: 'github.com/aws/amazon-vpc-cni-k8s/issues/281',
      mentions: ['no free network address'],
    },
    {
      ...sandbox,
      message:
        'Failed create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "93bd20a225527b19" network for pod "web": NetworkPlugin cni failed to set up pod "web_default" network: add cmd: failed to assign an IP address to container',
    },
  ),
  prepares(
    {
      name: 'resolver file',
      source: 'a public upgrade log',
      mentions: ['Kubernetes reports', 'resolv.conf'],
      never: /network of/,
    },
    {
      ...sandbox,
      message: 'Failed to create pod sandbox: open /run/systemd/resolve/resolv.conf: no such file or directory',
    },
  ),
  prepares(
    { name: 'base image', source: 'a public MicroK8s guide', mentions: ['base image'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox image "k8s.gcr.io/pause:3.7": failed to pull image "k8s.gcr.io/pause:3.7": failed to pull and unpack image "k8s.gcr.io/pause:3.7": failed to resolve reference "k8s.gcr.io/pause:3.7": failed to do request: Head "https://k8s.gcr.io/v2/pause/manifests/3.7": dial tcp 142.250.0.1:443: i/o timeout',
    },
  ),
  prepares(
    {
      name: 'plugin versions',
      source: 'a public Terraform module',
      mentions: ['network', 'incompatible CNI versions'],
    },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "5a156b99f77d0d53": plugin type="loopback" failed (add): incompatible CNI versions; config is "1.0.0", plugin supports ["0.1.0" "0.2.0"]',
    },
  ),
  prepares(
    { name: 'weave down', source: 'a public note about weave', mentions: ['network', 'not ready'], never: /no free/ },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_x_0(7f125f3470e4cf3d): error adding pod x to CNI network "weave": plugin type="weave-net" name="weave" failed (add): unable to allocate IP address: Post "http://127.0.0.1:6784/ip/7f12": dial tcp 127.0.0.1:6784: connect: connection refused',
    },
  ),
  prepares(
    { name: 'multus', source: 'a public lab about multus', mentions: ['network', 'Kubernetes reports'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "a91c": plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): CNI request failed with status 400: link not up',
    },
  ),
  prepares(
    {
      name: 'broken answer of a plugin',
      source: 'github.com/Azure/aks-engine/issues/2064',
      mentions: ['network', 'unexpected end of JSON input'],
    },
    {
      ...sandbox,
      message:
        'Failed create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "f11fd07d8d3669fe" network for pod "p": NetworkPlugin cni failed to set up pod "p_default" network: unexpected end of JSON input',
    },
  ),
  prepares(
    { name: 'name reserved', source: 'github.com/cri-o/cri-o/issues/3571', mentions: ['too long'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = error reserving pod name k8s_x_0 for id 271a2e1e: name is reserved',
    },
  ),
  prepares(
    { name: 'runtime of CRI-O missing', source: 'cri-o: server/runtime_status', mentions: ['kata'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to find runtime handler kata from runtime list map[crun:0xc000 runc:0xc001]',
    },
    { spec: { runtimeClassName: 'sandboxed' } },
  ),
  prepares(
    { name: 'network not ready yet', source: 'kubernetes: kubelet.go', mentions: ['network', 'not ready'] },
    {
      reason: 'NetworkNotReady',
      message:
        'network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    },
  ),
  prepares(
    {
      name: 'bucket does not answer',
      source: 'github.com/awslabs/mountpoint-s3-csi-driver/issues/467',
      mentions: ['mounted', 'in time'],
    },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.SetUp failed for volume "s3-pv" : rpc error: code = DeadlineExceeded desc = context deadline exceeded',
    },
  ),
  prepares(
    {
      name: 'general words of mount',
      source: 'github.com/rancher/rancher/issues/20485',
      mentions: ['mounted', 'Kubernetes reports'],
      never: /damaged/,
    },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.SetUp failed for volume "k8s-pod-data" : rpc error: code = Internal desc = mount failed: exit status 32\nMounting command: mount\nOutput: mount: wrong fs type, bad option, bad superblock on /dev/sdb, missing codepage or helper program, or other error',
    },
  ),
  prepares(
    { name: 'denied by a file server', source: 'nfs-utils', mentions: ['denies'] },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.SetUp failed for volume "data" : mount failed: exit status 32\nMounting command: mount\nOutput: mount.nfs: access denied by server while mounting 10.0.0.1:/x',
    },
  ),
  prepares(
    { name: 'file server does not answer', source: 'nfs-utils', mentions: ['in time'] },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.SetUp failed for volume "data" : mount failed: exit status 32\nOutput: mount.nfs: Connection timed out',
    },
  ),
  prepares(
    { name: 'local disk missing', source: 'kubernetes: volume/local', mentions: ['does not exist'] },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.NewMounter initialization failed for volume "local-pv" : path "/mnt/disks/vol1" does not exist',
    },
  ),
  prepares(
    { ...starting, name: 'many files', source: 'kubernetes: volume/volume_linux.go', mentions: ['owner', 'files'] },
    {
      reason: 'VolumePermissionChangeInProgress',
      message:
        'Setting volume ownership for 7a1e4c0d/volumes/kubernetes.io~csi/pvc-1 is taking longer than expected, consider using OnRootMismatch',
    },
  ),
  prepares(
    {
      name: 'ConfigMap missing',
      source: 'a public aws-iam-authenticator guide',
      mentions: ['ConfigMap', 'aws-iam-authenticator'],
    },
    {
      reason: 'FailedMount',
      from: 8,
      message: 'MountVolume.SetUp failed for volume "config" : configmap "aws-iam-authenticator" not found',
    },
  ),

  prepares(
    {
      name: 'a machine that does not run',
      source: 'CSI specification: FAILED_PRECONDITION, as drivers use it',
      mentions: ['Kubernetes reports', 'not running'],
      never: /another node/,
    },
    {
      reason: 'FailedAttachVolume',
      from: 300,
      message:
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = FailedPrecondition desc = node vm-1 is not running',
    },
  ),
  prepares(
    {
      name: 'published to another machine, in the words of the specification',
      source: 'CSI specification: ControllerPublishVolume',
      actor: ['nobody', 'administrator'],
      mentions: ['another node'],
    },
    {
      reason: 'FailedAttachVolume',
      message:
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = FailedPrecondition desc = volume vol-1 is published to node vm-2',
    },
  ),
  prepares(
    {
      name: 'disk of the old node',
      source: 'AWS EBS driver',
      actor: ['nobody'],
      mentions: ['another node'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message:
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Could not attach volume "vol-0f" to node "i-0a": could not attach volume: operation error EC2: AttachVolume, api error VolumeInUse: vol-0f is already attached to an instance',
    },
  ),
  prepares(
    {
      name: 'disks of the machine used up',
      source: 'Azure disk driver',
      mentions: ['as many volumes as it can have'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message:
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Unknown desc = Attach volume /subscriptions/x/disks/pvc-1 failed: OperationNotAllowed: The maximum number of data disks allowed to be attached to a VM of this size is 4.',
    },
  ),
  prepares(
    {
      name: 'machine unknown to the storage',
      source: 'CSI specification: ControllerPublishVolume',
      mentions: ['Kubernetes reports'],
      never: /files/,
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message:
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = NotFound desc = Instance "i-0a" not found',
    },
  ),
  prepares(
    { name: 'addresses of Azure used up', source: 'azure-container-networking', mentions: ['no free network address'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1b": plugin type="azure-vnet" failed (add): IPAM Invoker Add failed with error: Failed to allocate pool: Failed to delegate: Failed to allocate address: No available addresses',
    },
  ),
  prepares(
    {
      name: 'the claim is being deleted under a pod that its node prepares',
      source: 'kubernetes: desired_state_of_world_populator.go',
      actor: ['owner'],
      mentions: ['being deleted', 'Stop the project'],
    },
    {
      reason: 'FailedMount',
      message:
        'Unable to attach or mount volumes: unmounted volumes=[workspace], unattached volumes=[workspace], failed to process volumes=[workspace]: error processing PVC opencode/workspace-x: PVC is being deleted',
    },
    { claim: claimOf({ deletionTimestamp: ago(60), finalizers: ['kubernetes.io/pvc-protection'] }) },
  ),

  prepares(
    { name: 'volume not ready', source: 'github.com/longhorn/longhorn/issues/10146', mentions: ['attached', 'driver'] },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      from: 120,
      message:
        'AttachVolume.Attach failed for volume "pvc-62702773" : rpc error: code = Aborted desc = volume pvc-62702773 is not ready for workloads',
    },
  ),
  prepares(
    {
      name: 'volume without a replica',
      source: 'github.com/longhorn/longhorn/issues/1565',
      mentions: ['attached', 'Kubernetes reports'],
      never: /files/,
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      from: 120,
      message:
        'AttachVolume.Attach failed for volume "pvc-01c32834" : rpc error: code = Internal desc = Bad response statusCode [500]. Status [500 Internal Server Error]. Body: [detail=, message=unable to attach volume pvc-01c32834 to k8s-worker-node1: volume pvc-01c32834 not scheduled, code=Server Error] from [http://longhorn-backend:9500/v1/volumes/pvc-01c32834?action=attach]',
    },
  ),
  prepares(
    {
      name: 'fault of vSphere',
      source: 'github.com/kubernetes-sigs/vsphere-csi-driver/issues/846',
      mentions: ['Kubernetes reports'],
      never: /files|another node/,
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      from: 120,
      message:
        'AttachVolume.Attach failed for volume "pvc-4255e1b3" : rpc error: code = Internal desc = failed to attach disk: "7d03bad9" with node: "s0020-worker" err ServerFaultCode: Received SOAP response fault from [TCP:localhost:443]: retrieveVStorageObject',
    },
  ),
  prepares(
    {
      name: 'no permission in vSphere',
      source: 'github.com/stefanvangastel/vsphere-cpi-csi-helm/issues/8',
      mentions: ['denies'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      from: 120,
      message:
        'AttachVolume.Attach failed for volume "pvc-80abeed9" : rpc error: code = Internal desc = failed to attach disk: "63d4e68c" with node: "worker0" err ServerFaultCode: NoPermission',
    },
  ),
  prepares(
    {
      name: 'disk not attached',
      source: 'github.com/kubernetes-sigs/vsphere-csi-driver/issues/1787',
      mentions: ['does not have its disk'],
      never: /files/,
    },
    {
      reason: 'FailedMount',
      from: 120,
      message:
        'MountVolume.MountDevice failed for volume "pvc-67406372" : rpc error: code = NotFound desc = disk: 6000c293a5969080c92e3381b788c634 not attached to node',
    },
  ),
  prepares(
    {
      name: 'image still used',
      source: 'github.com/rook/rook/issues/11372',
      mentions: ['still'],
      actor: ['nobody', 'administrator'],
    },
    {
      reason: 'FailedMount',
      from: 120,
      message:
        'MountVolume.MountDevice failed for volume "pvc-b38f1217" : rpc error: code = Internal desc = rbd image replicapool/csi-vol-e4d2d56e is still being used',
    },
  ),
  prepares(
    { name: 'operation hangs', source: 'github.com/rook/rook/issues/9238', mentions: ['mounted', 'busy'] },
    {
      reason: 'FailedMount',
      from: 120,
      message:
        'MountVolume.MountDevice failed for volume "pvc-626b3b8b" : rpc error: code = Aborted desc = an operation with the given Volume ID 0001-0009-rook-ceph already exists',
    },
  ),
  prepares(
    { name: 'device missing', source: 'github.com/ceph/ceph-csi/issues/2075', mentions: ['mounted'], never: /folder/ },
    {
      reason: 'FailedMount',
      from: 120,
      message:
        'MountVolume.SetUp failed for volume "pvc-0fa5e0ac" : rpc error: code = Internal desc = mount failed: exit status 32\nMounting command: mount\nOutput: mount: /var/lib/kubelet/pods/x: special device /dev/rbd0 does not exist.',
    },
  ),
  prepares(
    {
      name: 'annotations of OVN late',
      source: 'github.com/ovn-kubernetes/ovn-kubernetes/issues/3859',
      mentions: ['network', 'Kubernetes reports'],
    },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "c9a97fe6dcc3e041": plugin type="multus" name="multus-cni-network" failed (add): [steve/vm:l2-network]: error adding container to network "l2-network": CNI request failed with status 400: failed to get pod annotation: timed out waiting for annotations: context deadline exceeded',
    },
  ),
  prepares(
    { name: 'plugin without words', source: 'github.com/okd-project/okd/issues/271', mentions: ['network'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_x_0(7cd187081b8a2e46): netplugin failed with no error message',
    },
  ),

  prepares(
    {
      name: 'port of OVN refused',
      source: 'github.com/ovn-kubernetes/ovn-kubernetes/pull/1523',
      state: ['starting'],
      mentions: ['longer', 'node', 'failed to set annotation'],
    },
    {
      reason: 'ErrorAddingLogicalPort',
      from: 180,
      component: 'controlplane',
      message: 'failed to set annotation on pod x: Timeout: request did not complete within requested timeout',
    },
  ),

  // Progress.
  runsOn(
    {
      name: 'load balancer does not confirm',
      source: 'GKE: container-native load balancing',
      state: ['starting', 'failing'],
      mentions: ['cloud.google.com/load-balancer-neg-ready'],
    },
    {
      spec: { readinessGates: [{ conditionType: 'cloud.google.com/load-balancer-neg-ready' }] },
      status: {
        conditions: [
          { type: 'ContainersReady', status: 'True', lastTransitionTime: ago(600) },
          { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' },
        ],
      },
    },
  ),
  runsOn(
    { name: 'native sidecar not ready', source: 'KEP-753', state: ['starting', 'failing'], mentions: ['istio-proxy'] },
    {
      spec: { initContainers: [{ name: 'istio-proxy', restartPolicy: 'Always' }] },
      status: {
        conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: ago(600) }],
        initContainerStatuses: [{ name: 'istio-proxy', ...runs(false) }],
      },
    },
  ),
  runsOn(
    {
      ...starting,
      name: 'foreign init container',
      source: 'vault-k8s: agent injector',
      mentions: ['vault-agent-init'],
      never: /clone/,
    },
    {
      spec: { initContainers: [{ name: 'vault-agent-init' }, { name: 'clone-repository' }] },
      status: {
        phase: 'Pending',
        initContainerStatuses: [
          { name: 'vault-agent-init', state: { running: { startedAt: ago(20) } } },
          { name: 'clone-repository', state: { waiting: { reason: 'PodInitializing' } } },
        ],
        containerStatuses: names.map((name) => ({ name, state: { waiting: { reason: 'PodInitializing' } } })),
      },
    },
  ),

  // Stopping.
  runsOn(
    {
      name: 'the node cannot end the pod',
      source: 'kubernetes: kuberuntime_manager.go',
      state: ['stopping'],
      mentions: ['cannot end', 'Kubernetes reports'],
    },
    { metadata: { deletionTimestamp: ago(120), deletionGracePeriodSeconds: 10 } },
    {
      events: [
        event({
          reason: 'FailedKillPod',
          message:
            'error killing pod: failed to "KillPodSandbox" for "u" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox: plugin type=calico failed (delete)"',
        }),
      ],
    },
  ),
  runsOn(
    {
      name: 'node removed',
      source: 'kubernetes: podgc',
      state: ['lost', 'stopping'],
      mentions: ['node', 'no longer exists'],
    },
    {
      metadata: { deletionTimestamp: ago(3) },
      status: {
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByPodGC',
            message: 'PodGC: node no longer exists',
          },
        ],
      },
    },
  ),
  runsOn(
    {
      name: 'a queue holds the pod',
      source: 'kueue: pod integration',
      state: ['stopping'],
      mentions: ['kueue.x-k8s.io/managed'],
    },
    { metadata: { deletionTimestamp: ago(60), finalizers: ['kueue.x-k8s.io/managed'] }, status: { phase: 'Failed' } },
  ),
  runsOn(
    {
      name: 'the runtime cannot stop a container',
      source: 'github.com/kubernetes/kubernetes/issues/66159',
      state: ['stopping'],
      mentions: ['cannot end', 'Kubernetes reports'],
    },
    { metadata: { deletionTimestamp: ago(1_400), deletionGracePeriodSeconds: 30 } },
    {
      events: [
        event({
          reason: 'FailedKillPod',
          from: 1_380,
          message:
            'error killing pod: [failed to "KillContainer" for "k8szk" with KillContainerError: "rpc error: code = Unknown desc = Error response from daemon: Cannot stop container 39f971a7: grpc: the connection is unavailable"',
        }),
      ],
    },
  ),
  runsOn(
    {
      name: 'a container that still runs',
      source: 'github.com/kubernetes/kubernetes/issues/51835',
      state: ['stopping'],
      mentions: ['opencode-server', 'node-7'],
    },
    {
      metadata: { deletionTimestamp: ago(600), deletionGracePeriodSeconds: 60 },
      status: { conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }] },
    },
  ),

  // Siblings of what was captured.
  waits(
    {
      ...starting,
      name: 'a driver that has just begun',
      source: 'external-provisioner: controller.go',
      mentions: ['volume', 'created'],
    },
    '',
    {
      claim: claimOf({ phase: 'Pending', creationTimestamp: ago(15) }),
      events: [
        {
          reason: 'Provisioning',
          component: 'ebs.csi.aws.com',
          kind: 'PersistentVolumeClaim',
          from: 10,
          to: 10,
          message: 'External provisioner is provisioning volume for claim "opencode/workspace-x"',
        },
      ],
    },
  ),
  waits(
    {
      name: 'a volume that was created after a failure',
      source: 'external-provisioner: controller.go',
      state: ['failing', 'starting'],
      actor: ['nobody'],
      mentions: ['volume'],
      never: /cannot be created/,
    },
    '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
    {
      claim: claimOf({ phase: 'Pending' }),
      events: [
        {
          ...provisioner,
          kind: 'PersistentVolumeClaim',
          to: 30,
          message:
            'failed to provision volume with StorageClass "fast": rpc error: code = Unavailable desc = no leader',
        },
        {
          ...provisioner,
          kind: 'PersistentVolumeClaim',
          from: 1,
          to: 1,
          reason: 'ProvisioningSucceeded',
          message: 'Successfully provisioned volume pvc-1',
        },
      ],
    },
  ),
  withoutVolume(
    { name: 'size not offered', source: 'CSI specification: CreateVolume', mentions: ['size'], never: /quota|space/ },
    {
      ...provisioner,
      message:
        'failed to provision volume with StorageClass "fast": rpc error: code = OutOfRange desc = Requested volume size 1GiB is smaller than the minimum of 10GiB',
    },
  ),
  waits(
    {
      ...starting,
      name: 'Karpenter nominates a node that exists',
      source: 'karpenter: scheduling/events.go',
      mentions: ['node'],
      never: /new/,
    },
    cpu,
    {
      events: [
        {
          reason: 'Nominated',
          component: 'karpenter',
          from: 10,
          to: 10,
          message: 'Pod should schedule on: node/ip-10-0-1-1.ec2.internal',
        },
      ],
    },
  ),
  prepares(
    { name: 'damaged file system', source: 'mount-utils: mount_linux.go', mentions: ['damaged'] },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Internal desc = \'fsck\' found errors on device /dev/nvme1n1 but could not correct them: fsck from util-linux 2.37.4',
    },
  ),
  prepares(
    { name: 'file server without a name', source: 'aws-efs-csi-driver', mentions: ['DNS'] },
    {
      reason: 'FailedMount',
      message:
        'MountVolume.SetUp failed for volume "pvc-1" : rpc error: code = Internal desc = Could not mount "fs-0a:/" at "/x": mount failed: exit status 1 Output: Failed to resolve "fs-0a.efs.eu-central-1.amazonaws.com" - check that your file system ID is correct',
    },
  ),
  prepares(
    { name: 'disk full at a mount', source: 'errno(3): ENOSPC', mentions: ['disk is full'] },
    {
      reason: 'FailedMount',
      message: 'MountVolume.SetUp failed for volume "token" : write /var/lib/kubelet/pods/u/x: no space left on device',
    },
  ),
  prepares(
    {
      name: 'a summary that says only how long the node waited',
      source: 'kubernetes: volume_manager.go',
      mentions: ['Kubernetes reports'],
      never: /storage has not answered/,
    },
    {
      reason: 'FailedMount',
      message:
        'Unable to attach or mount volumes: unmounted volumes=[workspace], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition',
    },
  ),
  prepares(
    { ...starting, name: 'a new namespace', source: 'kubernetes: rootcacertpublisher', mentions: ['volume'] },
    {
      reason: 'FailedMount',
      from: 10,
      message: 'MountVolume.SetUp failed for volume "kube-api-access-x" : configmap "kube-root-ca.crt" not found',
    },
  ),
  prepares(
    {
      name: 'disk in another zone',
      source: 'github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/52',
      mentions: ['zone'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message:
        'AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = Could not attach volume "vol-06" to node "i-0a": InvalidVolume.ZoneMismatch: The volume \'vol-06\' is not in the same availability zone as instance \'i-0a\'',
    },
  ),
  prepares(
    {
      name: 'disk of Google in use',
      source: 'gcp-compute-persistent-disk-csi-driver',
      actor: ['nobody'],
      mentions: ['another node'],
    },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message:
        "AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = Internal desc = Failed to Attach: googleapi: Error 400: RESOURCE_IN_USE_BY_ANOTHER_RESOURCE - The disk resource 'projects/p/zones/z/disks/d' is already being used by 'projects/p/zones/z/instances/n1'",
    },
  ),
  prepares(
    { name: 'detachment not over', source: 'kubernetes: csi_attacher.go', mentions: ['busy'] },
    {
      reason: 'FailedAttachVolume',
      component: 'attachdetach-controller',
      message: 'AttachVolume.Attach failed for volume "pvc-1" : volume attachment is being deleted',
    },
  ),
  prepares(
    { name: 'no settings of a network', source: 'ocicni: ocicni.go', mentions: ['network is not ready'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_project-x_opencode_u_0(abc): No CNI configuration file in /etc/kubernetes/cni/net.d/. Has your network provider started?',
    },
  ),
  prepares(
    { name: 'blocks of Calico used up', source: 'calico: cni-plugin/ipam', mentions: ['no free network address'] },
    {
      ...sandbox,
      message:
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "b638": plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled',
    },
  ),
  prepares(
    {
      name: 'driver of devices missing',
      source: 'kubernetes: cm/dra/manager.go',
      mentions: ['devices', 'not registered'],
    },
    {
      reason: 'FailedPrepareDynamicResources',
      message:
        'Failed to prepare dynamic resources: prepare dynamic resources: DRA driver gpu.example.com is not registered',
    },
  ),
  prepares(
    { name: 'control groups not created', source: 'kubernetes: kubelet.go', mentions: ['dbus: connection closed'] },
    {
      reason: 'FailedCreatePodContainer',
      message:
        'unable to ensure pod container exists: failed to create container for [kubepods burstable podu] : dbus: connection closed by user',
    },
  ),
  runsOn(
    {
      ...starting,
      name: 'a node that has just restarted',
      source: 'KEP-3085',
      mentions: ['creating'],
      never: /longer/,
    },
    {
      status: {
        conditions: [
          { type: 'PodScheduled', status: 'True', lastTransitionTime: ago(1_700) },
          { type: 'PodReadyToStartContainers', status: 'False', lastTransitionTime: ago(20) },
          { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: ago(20) },
        ],
        containerStatuses: names.map((name) => ({
          name,
          restartCount: 1,
          state: { waiting: { reason: 'ContainerCreating' } },
          lastState: { terminated: { exitCode: 255, reason: 'Unknown', finishedAt: ago(25) } },
        })),
      },
    },
  ),
  ...[
    ['exec /usr/bin/opencode: exec format error', 255, 'another processor'],
    ['standard_init_linux.go:228: exec user process caused: exec format error\n', 1, 'another processor'],
    ['exec /entrypoint.sh: no such file or directory', 255, '/entrypoint.sh'],
  ].map(([message, exitCode, mention]) =>
    runsOn(
      { name: `the last words of runc: ${message}`, source: 'runc: standard_init_linux.go', mentions: [`${mention}`] },
      {
        status: {
          containerStatuses: [
            {
              name: 'opencode-server',
              restartCount: 2,
              state: { waiting: { reason: 'CrashLoopBackOff' } },
              lastState: { terminated: { exitCode, reason: 'Error', message, finishedAt: ago(30) } },
            },
          ],
        },
      },
    ),
  ),
  runsOn(
    {
      name: 'the node of a pod that must end is silent',
      source: 'kubernetes: node_lifecycle_controller.go',
      state: ['stopping'],
      mentions: ['no longer answers'],
      never: /still runs/,
    },
    {
      metadata: { deletionTimestamp: ago(300), deletionGracePeriodSeconds: 10 },
      status: { conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }] },
    },
  ),
  runsOn(
    {
      name: 'a volume that cannot be released',
      source: 'kubernetes: operation_generator.go',
      state: ['stopping'],
      mentions: ['release its volume', 'busy'],
    },
    {
      metadata: { deletionTimestamp: ago(300), deletionGracePeriodSeconds: 10 },
      status: { containerStatuses: names.map((name) => ({ name, state: { terminated: { exitCode: 0 } } })) },
    },
    {
      events: [
        event({
          reason: 'FailedUnMount',
          message: 'UnmountVolume.TearDown failed for volume "workspace" : device is busy',
        }),
      ],
    },
  ),
];
