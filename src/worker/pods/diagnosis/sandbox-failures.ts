/**
 * A node that cannot create the sandbox of a pod: its isolated place with a network. The texts are those of containerd
 * (internal/cri/server/sandbox_run.go), CRI-O (server/sandbox_run_linux.go) and network plugins. Names are removed first.
 */

import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import type { PreparationCase } from './node-preparation.ts';
import { kubernetesReports } from './quote.ts';
import { causeUnknown, withoutNames } from './report-text.ts';

interface Cause {
  text: RegExp;
  reason: 'network-failed' | 'sandbox-failed';
  says: string;
  toDo: string;
  /** Usual on a node that has just started: it counts only when it lasts. */
  isUsual?: true;
}

const retries = 'Kubernetes tries again by itself.';
const checkPlugin = `${retries} If this continues, an administrator must check the network plugin of the node.`;
const checkNode = `${retries} If this continues, an administrator must check the node.`;

const checkDevices = `${retries} ${causeUnknown('the driver of the devices on the node')}`;
const findOutPlugin = `${retries} ${causeUnknown('the network plugin of the node')}`;
const findOutNode = `${retries} ${causeUnknown('the node and its container runtime')}`;

/** About the network, in the words of the runtimes and of CNI plugins. */
const isNetwork = /\bnetworks?(ing|plugin)?\b|\bcni\b|\bipam\b|plugin type=/i;

const networkCauses: readonly Cause[] = [
  {
    // host-local, the cloud plugins, Calico, Cilium
    text: /\bno (more |free |available )+(ipv?[46]?|address)|\bno ipv?[46]?( address(es)?|s) (are |is )?(available|left|free)|cidr ranges are exhausted|failed to assign an ip|failed to allocate for range|(ip|address) ?(pool|range|block|space)s? .{0,30}(exhausted|full)|range is full|assigned 0 out of \d+ requested|free affine blocks|InsufficientFreeAddresses|not enough (free )?(ip|address)/i,
    reason: 'network-failed',
    says: 'there is no free network address',
    toDo: `An administrator must free addresses or enlarge the range. ${retries}`,
  },
  {
    // The files and sockets that the agent of the plugin creates when it starts.
    text: /not (yet )?(ready|initiali[sz]ed)|uninitiali[sz]ed|no such file or directory|connection refused|is (the agent|it) running|check that the .* container is running|no networks found|no (cni|network) configuration|failed to find plugin/i,
    reason: 'network-failed',
    says: 'its own network is not ready',
    toDo: checkPlugin,
    isUsual: true,
  },
  {
    text: /unauthorized|forbidden/i,
    reason: 'network-failed',
    says: 'its network plugin is not allowed to do its work',
    toDo: checkPlugin,
  },
];

const sandboxCauses: readonly Cause[] = [
  {
    text: /no space left on device|disk quota exceeded/i,
    reason: 'sandbox-failed',
    says: 'its disk is full',
    toDo: `An administrator must free disk space on the node. ${retries}`,
  },
  {
    text: /cannot allocate memory|too many open files|resource temporarily unavailable|pids? (cgroup )?limit/i,
    reason: 'sandbox-failed',
    says: 'it has no memory or no process left',
    toDo: checkNode,
  },
  {
    // containerd: the name of an attempt that still runs. The kubelet's time limit: the runtime does not answer.
    text: /\bname .{0,80}is reserved\b|deadline exceeded|timed out|error while dialing/i,
    reason: 'sandbox-failed',
    says: 'it takes too long',
    toDo: checkNode,
    isUsual: true,
  },
];

export function sandboxFailure(given: PreparationCase): Diagnosis {
  const { message } = given.event;
  const runtime = runtimeProblem(given);
  if (runtime) return failure(given, runtime);
  const plain = withoutNames(message);
  if (given.event.reason === 'NetworkNotReady' || isNetwork.test(plain)) {
    const network = networkCauses.find(({ text }) => text.test(plain));
    return failure(given, network ?? { reason: 'network-failed', says: null, toDo: findOutPlugin });
  }
  const cause = sandboxCauses.find(({ text }) => text.test(plain));
  return failure(given, cause ?? { reason: 'sandbox-failed', says: null, toDo: findOutNode });
}

/** pkg/kubelet/cm/dra: the node cannot prepare the devices that the pod claims (KEP-4381). The text says why. */
export function deviceFailure(given: PreparationCase): Diagnosis {
  return failure(
    given,
    { reason: 'sandbox-failed', says: null, toDo: checkDevices },
    'The node could not prepare the devices that the pod requires',
  );
}

type Texts = Pick<Cause, 'reason' | 'toDo' | 'isUsual'> & { says: string | null };

/** The runtime class has no handler on this node, or the base image of every pod is missing. */
function runtimeProblem({ pod, event: { message } }: PreparationCase): Texts | null {
  const handler =
    /no runtime for "?([\w.-]+)"? is configured/i.exec(message)?.[1] ??
    /failed to find runtime handler "?([\w.-]+)"?/i.exec(message)?.[1] ??
    /runtime ?handler "?([\w.-]+)"? (is )?not (supported|found|configured)/i.exec(message)?.[1];
  if (handler !== undefined) {
    const { runtimeClassName } = pod.spec;
    return {
      reason: 'sandbox-failed',
      says: `it does not have the runtime ${handler}${runtimeClassName ? ` of the runtime class ${runtimeClassName}` : ''}`,
      toDo: 'An administrator must set up this runtime on the node, or remove the runtime class. The start then continues by itself.',
    };
  }
  const isBaseImage =
    /sandbox image|infra image|\bpause(-\w+)?[:@]/i.test(message) &&
    /pull|initializing source|not found|resolve/i.test(message);
  if (!isBaseImage) return null;
  return {
    reason: 'sandbox-failed',
    says: 'it cannot fetch the base image that every pod requires',
    toDo: `An administrator must check the registry of this image, and the node. ${retries}`,
  };
}

function failure(
  { event, since, now }: PreparationCase,
  { reason, says, toDo, isUsual }: Texts,
  subject = subjectOf(reason),
): Diagnosis {
  const { message } = event;
  const evidence = [evidenceOfEvent(event)];
  if (isUsual && !isOverdue(since, deadlines.mountRetriesMs, now)) {
    return createDiagnosis({
      state: 'starting',
      reason: 'creating',
      message: `The node (machine) is preparing the ${reason === 'network-failed' ? 'network' : 'pod'} of the project.`,
      nextStep: `The first attempt did not work. ${retries}`,
      since,
      recheckAt: deadlineAfter(since, deadlines.mountRetriesMs, now),
      evidence,
    });
  }
  return createDiagnosis({
    state: 'failing',
    reason,
    message: says === null ? `${subject}. ${kubernetesReports(message)}` : `${subject}: ${says}.`,
    nextStep: toDo,
    since,
    evidence,
  });
}

function subjectOf(reason: Cause['reason']): string {
  return reason === 'network-failed'
    ? 'The node could not set up the network of the project'
    : 'The node could not prepare the project';
}
