/** As `reason-sources.ts`, for the reasons of pods that wait, start or stop, and of their claims. */

import type { ReasonCode } from '../../src/shared/contract/reasons.ts';
import type { RuleSource } from './reason-sources.ts';

const from = (rule: string, source: string): RuleSource => ({ rule, source });

export const startReasonSources = {
  // The desired state of the row, when Kubernetes shows no failure.
  queued: from('no pod and no claim yet', 'this application'),
  stopping: from('the pod has a `deletionTimestamp`, and stopping was requested', 'Pod lifecycle'),
  stopped: from('no pod, and stopping was requested', 'this application'),
  trashed: from('no pod, and the project is in the trash', 'this application'),
  deleting: from('the pod or the claim exists, and deleting was requested', 'this application'),
  archived: from('neither pod nor claim, and deleting was requested', 'this application'),
  ready: from('phase Running, and the condition Ready is True', '`pkg/kubelet/status/generate.go`'),
  'clone-failed': from('the init container `clone-repository` says so in its termination message', 'this application'),
  'cluster-unreachable': from(
    'the connection to the API fails, or no answer comes in time',
    'Node.js `node:net`, `node:tls`',
  ),
  'internal-error': from('an error of the worker itself', 'this application'),

  // Pods and claims that wait.
  'waiting-for-node': from(
    'no condition PodScheduled; `nominatedNodeName`; PodScheduled False with SchedulerError, quoted',
    '`pkg/scheduler/schedule_one.go`, `framework/preemption`',
  ),
  unschedulable: from(
    'PodScheduled False with Unschedulable: each clause is the constant text of one plugin, or is quoted; taints by their whole key. A newer refusal of an autoscaler, or 15 minutes, ends `scaling-up`',
    '`pkg/scheduler/framework/types.go` (FitError), `framework/plugins`',
  ),
  'scaling-up': from(
    'the newest event of an autoscaler is TriggeredScaleUp or Nominated',
    'cluster-autoscaler `FAQ.md`, Karpenter `scheduling/events.go`',
  ),
  'scheduling-gated': from('PodScheduled False with SchedulingGated; the gate is named', 'KEP-3521'),
  scheduled: from('PodScheduled True, no container has a status', '`pkg/kubelet/kubelet.go`'),
  'node-silent': from('`scheduled` for a minute', '`pkg/kubelet/kubelet.go`'),
  'volume-pending': from(
    "the claim is Pending: its events first, then its provisioner; the status code of the driver's answer before its text, except that a cloud has received too many requests",
    '`pkg/controller/volume/persistentvolume/pv_controller.go`, external-provisioner, CSI specification',
  ),
  'volume-lost': from(
    'the claim is Lost, or the scheduler says `bound to non-existent persistentvolume`',
    '`pv_controller.go`, `plugins/volumebinding`',
  ),
  'volume-missing': from('the claim that the pod names does not exist', '`plugins/volumebinding`'),
  'volume-deleting': from(
    'the claim has a `deletionTimestamp`; its finalizer is named',
    '`pkg/controller/volume/pvcprotection`',
  ),
  'multi-attach': from(
    'FailedAttachVolume: `Multi-Attach error`, or the words of a cloud about another node, with FailedPrecondition or a code that says nothing',
    '`pkg/controller/volume/attachdetach`, CSI specification',
  ),
  'attach-failed': from(
    "FailedAttachVolume, until the volume is attached or mounted; the status code of the driver's answer before its text",
    '`pkg/volume/csi/csi_attacher.go`, CSI specification',
  ),
  'mount-failed': from(
    'FailedMount, until the sandbox exists or an image is pulled; what is usual on a new node counts after 30 s',
    '`pkg/kubelet/volumemanager`, `pkg/volume`',
  ),
  'network-failed': from(
    'FailedCreatePodSandBox about the network, NetworkNotReady; until PodReadyToStartContainers is True',
    'containerd `sandbox_run.go`, CRI-O, CNI plugins, KEP-3085',
  ),
  'sandbox-failed': from(
    'FailedCreatePodSandBox about anything else: a missing runtime, the base image, the node',
    'containerd `sandbox_run.go`, CRI-O',
  ),
  creating: from('every container waits, and no event reports a failure', '`pkg/kubelet/kuberuntime`'),
  'image-pulling-slow': from(
    'the newest event of a waiting container is Pulling, for two minutes',
    '`pkg/kubelet/images`',
  ),
  cloning: from('our init container `clone-repository` runs', 'this application'),
  starting: from('a container has started, and not all are ready', '`pkg/kubelet/status`'),
  'starting-slow': from(
    '`starting` for longer than the startup probe allows; the container is named',
    '`pkg/kubelet/prober`',
  ),
  'readiness-gate': from(
    'all containers are ready and Ready is False: the condition of a readiness gate is not True',
    'KEP-580, `pkg/kubelet/status/generate.go`',
  ),
  'stuck-on-finalizer': from(
    'pod or claim has a `deletionTimestamp`, has ended, and has a finalizer',
    'docs: finalizers',
  ),
  'stuck-terminating': from(
    'the `deletionTimestamp` passed 30 s ago; what FailedKillPod reports is quoted',
    '`pkg/kubelet/pod_workers.go`',
  ),
} satisfies Partial<Record<ReasonCode, RuleSource>>;
