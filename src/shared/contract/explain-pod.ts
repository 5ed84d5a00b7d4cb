/**
 * Reasons in words: a pure function from a pod to what it is doing, why, and one sentence for people. Never from the
 * phase alone: a pod whose container crash-loops still has the phase Running.
 */
import type { ContainerStatus, KubernetesPod } from './kubernetes-pod.ts';
import type { ContainerSummary } from './project.ts';
import type { ReasonCode } from './reasons.ts';

export interface PodExplanation {
  /** `failing`: it tries again by itself but something must be mended; `failed`: this pod will not run again. */
  state: 'starting' | 'ready' | 'failing' | 'failed' | 'stopping';
  reason: ReasonCode;
  sentence: string;
}

const failing = (reason: ReasonCode, sentence: string): PodExplanation => ({ state: 'failing', reason, sentence });
const failed = (reason: ReasonCode, sentence: string): PodExplanation => ({ state: 'failed', reason, sentence });

/** Explains a pod. The first trouble in the order of the spec wins, the pod's own failure before its containers'. */
export function explainPod(pod: KubernetesPod): PodExplanation {
  if (pod.metadata.deletionTimestamp) {
    return { state: 'stopping', reason: 'stopping', sentence: 'The pod is stopping.' };
  }
  const { status } = pod;
  if (status.phase === 'Failed') return explainFailedPod(pod);
  if (status.phase === 'Succeeded') {
    return {
      state: 'failed',
      reason: 'completed',
      sentence: 'All containers completed and will not run again. Retry to start them anew.',
    };
  }
  if (condition(pod, 'Ready')?.reason === 'NodeLost' || status.reason === 'NodeLost' || status.phase === 'Unknown') {
    return {
      state: 'failing',
      reason: 'node-lost',
      sentence: 'The node that runs the pod no longer answers. An administrator must look at the node.',
    };
  }
  const trouble =
    firstTrouble(pod, status.initContainerStatuses, true) ?? firstTrouble(pod, status.containerStatuses, false);
  return trouble ?? explainProgress(pod);
}

function explainProgress(pod: KubernetesPod): PodExplanation {
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False') {
    return scheduled.reason === 'Unschedulable'
      ? {
          state: 'failing',
          reason: 'unschedulable',
          sentence: `No node can take the pod yet: ${plain(scheduled.message)} An administrator must make room; it goes on by itself then.`,
        }
      : { state: 'starting', reason: 'waiting-for-node', sentence: 'The pod is waiting for a node.' };
  }
  if (!pod.spec.nodeName)
    return { state: 'starting', reason: 'waiting-for-node', sentence: 'The pod is waiting for a node.' };
  const statuses = pod.status.containerStatuses;
  if (statuses.length === 0) {
    return { state: 'starting', reason: 'scheduled', sentence: 'The pod has a node and is waiting for it to begin.' };
  }
  const total = pod.spec.containers.length || statuses.length;
  const ready = statuses.filter((container) => container.ready).length;
  if (pod.status.phase === 'Running' && ready === total && condition(pod, 'Ready')?.status !== 'False') {
    return { state: 'ready', reason: 'ready', sentence: `All ${total} containers are ready.` };
  }
  if (statuses.every((container) => container.state.waiting)) {
    return {
      state: 'starting',
      reason: 'creating',
      sentence: 'The volume and the images are being prepared for the containers.',
    };
  }
  return {
    state: 'starting',
    reason: 'starting',
    sentence: `${ready} of ${total} containers are ready.`,
  };
}

function explainFailedPod(pod: KubernetesPod): PodExplanation {
  switch (pod.status.reason) {
    case 'Evicted':
      return failed(
        'evicted',
        `The pod was evicted from its node: ${plain(pod.status.message)} It is replaced by itself.`,
      );
    case 'Preempting':
    case 'Preempted':
      return failed('preempted', 'The pod gave way to one of higher priority. It is replaced by itself.');
    case 'DeadlineExceeded':
      return failed('deadline-exceeded', 'The pod ran longer than its time limit allows. Retry to start it anew.');
    case 'NodeAffinity':
    case 'OutOfcpu':
    case 'OutOfmemory':
    case 'OutOfpods':
    case 'NodeShutdown':
    case 'Terminated':
      return failed('node-refused', `The node refused the pod: ${plain(pod.status.message)} It is replaced by itself.`);
    case 'NodeLost':
      return failed('node-lost', 'The node that ran the pod was lost. The pod is replaced by itself.');
    default: {
      const container = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses].find(
        (each) => (each.state.terminated?.exitCode ?? 0) !== 0,
      );
      const detail = container?.state.terminated
        ? `container ${container.name} ${exitInWords(container.state.terminated)}`
        : plain(pod.status.message ?? pod.status.reason).replace(/\.$/, '');
      return failed('pod-failed', `The pod failed: ${detail}. Retry to start it anew.`);
    }
  }
}

function firstTrouble(pod: KubernetesPod, statuses: ContainerStatus[], init: boolean): PodExplanation | null {
  for (const container of statuses) {
    const trouble = containerTrouble(pod, container, init);
    if (trouble) return trouble;
  }
  return null;
}

function containerTrouble(pod: KubernetesPod, container: ContainerStatus, init: boolean): PodExplanation | null {
  const { state, lastState, ready, restartCount } = container;
  if (state.waiting) return waitingTrouble(pod, container, init);
  if (state.terminated) {
    // To end is what an init container is for; any other is meant to go on.
    return init && state.terminated.exitCode === 0 ? null : exitTrouble(container, state.terminated, init);
  }
  // Between two crashes it runs for a moment: until it is ready, the crash is still the news.
  return !ready && restartCount > 0 && lastState.terminated ? exitTrouble(container, lastState.terminated, init) : null;
}

function waitingTrouble(pod: KubernetesPod, container: ContainerStatus, init: boolean): PodExplanation | null {
  const waiting = container.state.waiting ?? {};
  const image = pod.spec.containers.find((each) => each.name === container.name)?.image ?? 'its image';
  switch (waiting.reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'ErrImageNeverPull':
    case 'RegistryUnavailable':
      return imageTrouble(container.name, image, waiting.message ?? '');
    case 'InvalidImageName':
      return failing(
        'image-invalid-name',
        `The image name "${image}" of ${container.name} is not valid. An administrator must correct it.`,
      );
    case 'CreateContainerConfigError':
      return failing(
        'config-missing',
        `Container ${container.name} lacks a part of its configuration: ${plain(waiting.message)} An administrator must provide it.`,
      );
    case 'CreateContainerError':
      return failing(
        'create-container-error',
        `Container ${container.name} could not be created: ${plain(waiting.message)}`,
      );
    case 'RunContainerError':
      return failing('start-error', `Container ${container.name} could not be started: ${plain(waiting.message)}`);
    case 'CrashLoopBackOff': {
      const last = container.lastState.terminated;
      return last
        ? exitTrouble(container, last, init)
        : failing('crash-loop', `Container ${container.name} keeps ending soon after its start.`);
    }
    default:
      return null;
  }
}

function imageTrouble(name: string, image: string, message: string): PodExplanation {
  if (/not found|manifest unknown|does not exist/i.test(message) && !/no such host/i.test(message)) {
    return failing(
      'image-not-found',
      `The image "${image}" of ${name} was not found in its registry. An administrator must correct its name or push it.`,
    );
  }
  if (/denied|unauthorized|authentication required|forbidden|no basic auth/i.test(message)) {
    return failing(
      'image-denied',
      `The registry denied access to the image "${image}" of ${name}. An administrator must check the pull secret.`,
    );
  }
  return failing(
    'image-pull-failed',
    `The image "${image}" of ${name} could not be pulled. It is tried again by itself; if it stays so, an administrator must look at the registry.`,
  );
}

function exitTrouble(
  container: ContainerStatus,
  exit: NonNullable<ContainerStatus['state']['terminated']>,
  init: boolean,
): PodExplanation {
  const again = `It is started again by itself (${container.restartCount} ${container.restartCount === 1 ? 'restart' : 'restarts'} so far).`;
  const reason: ReasonCode =
    exit.reason === 'OOMKilled'
      ? 'out-of-memory'
      : init
        ? 'init-failed'
        : exit.reason === 'ContainerCannotRun' || exit.reason === 'StartError'
          ? 'start-error'
          : exit.exitCode === 0
            ? 'completed-loop'
            : 'crash-loop';
  return { state: 'failing', reason, sentence: `Container ${container.name} ${exitInWords(exit)}. ${again}` };
}

/** "ended with exit code 1", "ran out of memory and was killed (exit code 137)" and the like. */
function exitInWords(exit: { exitCode: number; signal?: number | undefined; reason?: string | undefined }): string {
  if (exit.reason === 'OOMKilled') return `ran out of memory and was killed (exit code ${exit.exitCode})`;
  const signal = exit.signal || (exit.exitCode > 128 && exit.exitCode < 160 ? exit.exitCode - 128 : 0);
  if (signal) return `was ended by signal ${signal} (exit code ${exit.exitCode})`;
  return `ended with exit code ${exit.exitCode}`;
}

/** The containers in the order of the spec; those without a status yet are waiting. */
export function summarizeContainers(pod: KubernetesPod): ContainerSummary[] {
  return pod.spec.containers.map(({ name }) => {
    const status = pod.status.containerStatuses.find((each) => each.name === name);
    const last = status?.lastState.terminated ?? null;
    return {
      name,
      ready: status?.ready ?? false,
      state: status?.state.running ? 'running' : status?.state.terminated ? 'terminated' : 'waiting',
      reason: status?.state.waiting?.reason ?? status?.state.terminated?.reason ?? null,
      restarts: status?.restartCount ?? 0,
      lastExit: last ? exitInWords(last) : null,
    };
  });
}

function condition(pod: KubernetesPod, type: string) {
  return pod.status.conditions.find((each) => each.type === type);
}

/** A piece of Kubernetes text as the end of a sentence: one line, bounded, with a full stop. */
function plain(text: string | undefined): string {
  const line = (text ?? '').replace(/\s+/g, ' ').trim();
  if (line === '') return 'Kubernetes gives no reason.';
  const short = line.length > 300 ? `${line.slice(0, 297)}...` : line;
  return /[.!?]$/.test(short) ? short : `${short}.`;
}
