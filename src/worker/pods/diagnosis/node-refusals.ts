/**
 * The kubelet of the chosen node did not admit the pod: `pkg/kubelet/lifecycle/predicate.go` and the other admit handlers. The
 * pod then has failed before it ran. Its reason says why; its message starts with "Pod was rejected" since Kubernetes 1.31.
 */

import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import type { EndCause } from './evictions.ts';
import { quoted } from './report-text.ts';

const mayPass = 'A new pod starts by itself. If it happens again, an administrator must check the node.';

const resources: Record<string, string> = {
  cpu: 'does not have enough free CPU',
  memory: 'does not have enough free memory',
  pods: 'already runs the maximum number of pods',
  'ephemeral-storage': 'does not have enough free disk storage',
};

/** By reason; each follows "The node (machine) refused the pod: it". */
const reasons: Record<string, string> = {
  NodeAffinity: 'does not have the labels that the pod requires',
  NodeName: 'has another name than the pod requires',
  NodePorts: 'already uses a port that the pod needs',
  NodeUnschedulable: 'is closed for new pods',
  TaintToleration: 'is reserved for other work (taint)',
  InvalidNodeInfo: 'could not read its own settings',
  PodOSSelectorNodeLabelDoesNotMatch: 'has another operating system than the pod requires',
  PodOSNotSupported: 'has another operating system than the pod requires',
  SupplementalGroupsPolicyNotSupported: 'does not support a setting of the pod (supplementalGroupsPolicy)',
  InitContainerRestartPolicyForbidden: 'does not support sidecars among the init containers',
  PodLevelResourcesNotSupported: 'does not support limits of whole pods',
  SysctlForbidden: 'does not allow a kernel setting that the pod asks for (sysctl)',
  AppArmor: 'cannot apply the AppArmor profile of the pod',
  TopologyAffinityError: 'cannot give the pod its CPUs, memory and devices close to each other',
  SMTAlignmentError: 'can only give whole processor cores, and the pod asks for other numbers',
  VolumeAttachmentLimitExceeded: 'already has as many volumes as it can take',
};

export function nodeRefusal({ status }: KubernetesPod): EndCause | null {
  const { reason = '', message = '' } = status;
  const why = refusalReason(reason, message);
  // The reason is none of a node: the containers may say more.
  if (why === null && !/^pod was rejected/i.test(message)) return unknownReason(reason, message);
  return {
    state: 'failed',
    reason: 'node-refused',
    message: why
      ? `The node (machine) refused the pod: it ${why}.`
      : `The node (machine) refused the pod. ${quoted(message)}`.trim(),
    nextStep: mayPass,
  };
}

function refusalReason(reason: string, message: string): string | null {
  const known = reasons[reason];
  if (known !== undefined) return known;
  if (reason.startsWith('OutOf')) {
    const resource = reason.slice('OutOf'.length);
    return resources[resource] ?? `does not have enough of "${resource}"`;
  }
  // ENOSPC: `cm/devicemanager` could not write its checkpoint. Its words end with "on device".
  if (reason === 'UnexpectedAdmissionError' && /no space left on device|disk quota exceeded/i.test(message))
    return 'has a full disk';
  // Device plugins that are not back yet after a restart of the node (`cm/devicemanager`).
  if (reason === 'UnexpectedAdmissionError' && /devices?\b/i.test(message))
    return 'does not have the devices that the pod asks for, or they do not work';
  return null;
}

/** A reason that this program does not know. It is quoted, and no cause is guessed. */
function unknownReason(reason: string, message: string): EndCause | null {
  const text = message === '' ? reason : `${reason}: ${message}`;
  return text === '' || reason === 'UnexpectedAdmissionError'
    ? {
        state: 'failed',
        reason: 'node-refused',
        message: `The node (machine) refused the pod. ${quoted(message)}`.trim(),
        nextStep: mayPass,
      }
    : {
        state: 'failed',
        reason: 'pod-failed',
        message: `The pod failed. ${quoted(text)}`,
        nextStep: 'A new pod starts by itself. If it happens again, an administrator must find out what ends it.',
        actor: 'administrator',
      };
}
