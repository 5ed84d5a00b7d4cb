/**
 * Reasons in words: a pure function from a pod, its events and its claim to what it is doing, why, who must act, and one
 * sentence for people. Never from the phase alone: a pod whose container crash-loops still has the phase Running. An event
 * counts only while the pod shows that what it tells still holds, for events stay behind after a recovery.
 */
import type { KubernetesEvent } from '../kubernetes-event.ts';
import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kubernetes-pod.ts';
import { timeOf } from '../kubernetes-time.ts';
import type { ContainerSummary } from '../project.ts';
import { cloneContainer, cloneFailure } from './clone-note.ts';
import { containerTrouble } from './container-trouble.ts';
import { explainEnded, explainLeaving } from './endings.ts';
import { exitInWords } from './exit-words.ts';
import { explainScheduling } from './scheduling.ts';
import {
  deadlineAfter,
  deadlines,
  earliest,
  eventPiece,
  eventsOfPod,
  explain,
  isOverdue,
  isSince,
  lastEvent,
  piece,
  type PodExplanation,
  type Situation,
} from './situation.ts';
import { explainMount } from './volume-trouble.ts';

/** Explains a pod. The first trouble in the order of the spec wins, the pod's own before its containers'. */
export function explainPod(situation: Situation): PodExplanation {
  const { pod } = situation;
  const events = eventsOfPod(situation);
  if (pod.metadata.deletionTimestamp) return explainLeaving(situation, events);
  if (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') return explainEnded(situation, events);
  if (isNodeLost(pod)) {
    const notReady = lastEvent(events, ({ reason }) => reason === 'NodeNotReady');
    return explain(
      'failing',
      'node-lost',
      {
        sentence: 'The node (machine) that runs the pod no longer answers.',
        next: 'An administrator must look at the node. If it stays away, the pod is started anew elsewhere.',
      },
      {
        since: conditionOf(pod, 'Ready')?.lastTransitionTime ?? null,
        evidence: [
          piece(
            'pod',
            'status',
            pod.status.message ?? pod.status.reason ?? conditionOf(pod, 'Ready')?.message ?? 'Ready was taken back.',
          ),
          ...(notReady ? [eventPiece(notReady)] : []),
        ],
      },
    );
  }
  if (!pod.spec.nodeName) return explainScheduling(situation, events);
  return troubleOfContainers(situation, events) ?? explainProgress(situation, events);
}

function isNodeLost(pod: KubernetesPod): boolean {
  const ready = conditionOf(pod, 'Ready');
  return (
    pod.status.phase === 'Unknown' ||
    pod.status.reason === 'NodeLost' ||
    ready?.reason === 'NodeLost' ||
    ready?.status === 'Unknown' ||
    // The node controller speaks for a node that is silent: it takes back Ready alone, and gives no reason as a kubelet would.
    (ready?.status === 'False' && !ready.reason && conditionOf(pod, 'ContainersReady')?.status === 'True')
  );
}

function troubleOfContainers({ pod, now }: Situation, events: KubernetesEvent[]): PodExplanation | null {
  const { initContainerStatuses: inits, containerStatuses } = pod.status;
  const order = [...pod.spec.initContainers, ...pod.spec.containers].map(({ name }) => name);
  const inOrder = (statuses: ContainerStatus[]) =>
    statuses.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const cases = [
    ...inOrder(inits).map((container) => ({ container, isInit: true })),
    ...inOrder(containerStatuses).map((container) => ({ container, isInit: false })),
  ];
  for (const one of cases) {
    const trouble = containerTrouble({ pod, events, now, ...one });
    if (trouble) return trouble;
  }
  return null;
}

/** Nothing is wrong with any container: how far the pod has come. */
function explainProgress(situation: Situation, events: KubernetesEvent[]): PodExplanation {
  const { pod, now } = situation;
  const statuses = pod.status.containerStatuses;
  const containers = summarizeContainers(pod);
  const total = containers.length;
  const ready = containers.filter((container) => container.ready).length;
  if (pod.status.phase === 'Running' && total > 0 && ready === total && conditionOf(pod, 'Ready')?.status !== 'False') {
    return explainReady(pod, total);
  }
  if (statuses.length === 0 && pod.status.initContainerStatuses.length === 0)
    return explainSilentNode(situation, events);
  const pulling = explainPulling(situation, events);
  if (pulling?.reason === 'image-pulling-slow') return pulling;
  if (statuses.every(({ state }) => state.waiting)) {
    return explainMount(events) ?? explainInit(pod) ?? pulling ?? explainPreparing(situation);
  }
  const recheckAt = earliest(
    ...statuses
      .filter((container) => !container.ready)
      .map((container) => deadlineAfter(container.state.running?.startedAt, startBudgetMs(pod, container), now)),
    // A readiness check that was refused counts once the port has had its time.
    ...statuses
      .filter((container) => !container.ready && container.started !== false)
      .map((container) => deadlineAfter(container.state.running?.startedAt, deadlines.portClosedMs, now)),
    pulling?.recheckAt ?? null,
  );
  const slow = statuses.find(
    (container) =>
      !container.ready && isOverdue(container.state.running?.startedAt, startBudgetMs(pod, container), now),
  );
  if (slow) {
    return explain(
      'starting',
      'starting-slow',
      {
        sentence: `The container ${slow.name} takes longer than usual to start: ${ready} of ${total} ${total === 1 ? 'is' : 'are'} ready.`,
        next: 'It is still given time. If it does not come up, look at what it waits for.',
      },
      { since: slow.state.running?.startedAt ?? null, recheckAt },
    );
  }
  return explain(
    'starting',
    'starting',
    {
      sentence: `The containers are starting: ${ready} of ${total} ${total === 1 ? 'is' : 'are'} ready.`,
      next: 'It is ready when all of them answer.',
    },
    { recheckAt },
  );
}

function explainReady(pod: KubernetesPod, total: number): PodExplanation {
  const since = conditionOf(pod, 'Ready')?.lastTransitionTime ?? null;
  const clone = cloneFailure(pod);
  if (clone) {
    return explain(
      'ready',
      'clone-failed',
      {
        sentence: `All ${total} containers are ready. ${clone.words}`,
        next: 'Correct the repository URL and restart, or clone by hand in the workspace.',
      },
      { since, evidence: [clone.evidence] },
    );
  }
  return explain(
    'ready',
    'ready',
    {
      sentence: total === 1 ? 'The container is ready.' : `All ${total} containers are ready.`,
      next: 'Nothing has to be done.',
    },
    { since },
  );
}

function explainSilentNode(situation: Situation, events: KubernetesEvent[]): PodExplanation {
  const { pod, now } = situation;
  const mount = explainMount(events);
  if (mount) return mount;
  const from = conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? pod.metadata.creationTimestamp;
  if (isOverdue(from, deadlines.nodeSilentMs, now)) {
    return explain(
      'starting',
      'node-silent',
      {
        sentence: 'The project was given to a node (a machine of the cluster) that has not begun with it.',
        next: 'An administrator must look at the node; it goes on by itself as soon as the node does.',
      },
      { since: from },
    );
  }
  return explain(
    'starting',
    'scheduled',
    {
      sentence: 'The project has a node (a machine of the cluster) and waits for it to begin.',
      next: 'It goes on by itself.',
    },
    { since: from, recheckAt: deadlineAfter(from, deadlines.nodeSilentMs, now) },
  );
}

/** An image that is being pulled: told from the last event of a container that has not got it yet. */
function explainPulling({ pod, now }: Situation, events: KubernetesEvent[]): PodExplanation | null {
  const waiting = [...pod.status.initContainerStatuses, ...pod.status.containerStatuses].find(({ state, name }) => {
    const last = lastEvent(
      events,
      ({ of, reason }) => of.container === name && /^(Pulling|Pulled|Failed)$/.test(reason),
    );
    return state.waiting && last?.reason === 'Pulling';
  });
  const pulling = lastEvent(events, ({ of, reason }) => of.container === waiting?.name && reason === 'Pulling');
  if (!waiting || !pulling || !isSince(pulling, pod.metadata.creationTimestamp)) return null;
  const image = /image "([^"]+)"/.exec(pulling.message)?.[1];
  const what = `The image ${image === undefined ? '' : `"${image}" `}of the container ${waiting.name} is being fetched`;
  const since = pulling.at;
  if (isOverdue(since, deadlines.imagePullMs, now)) {
    return explain(
      'starting',
      'image-pulling-slow',
      {
        sentence: `${what}; it takes longer than usual.`,
        next: 'Large images and slow networks take their time; it goes on by itself.',
      },
      { since, evidence: [eventPiece(pulling)] },
    );
  }
  return explain(
    'starting',
    'creating',
    { sentence: `${what}.`, next: 'The containers start when all images are there.' },
    { since, recheckAt: deadlineAfter(since, deadlines.imagePullMs, now) },
  );
}

function explainInit(pod: KubernetesPod): PodExplanation | null {
  const running = pod.status.initContainerStatuses.find(({ state }) => state.running);
  if (running?.name !== cloneContainer) return null;
  return explain(
    'starting',
    'cloning',
    { sentence: 'The repository is being cloned into the workspace.', next: 'The containers start afterwards.' },
    { since: running.state.running?.startedAt ?? null },
  );
}

function explainPreparing({ pod, claim }: Situation): PodExplanation {
  const what = claim?.status.phase === 'Pending' ? 'the volume and the containers' : 'the containers';
  return explain(
    'starting',
    'creating',
    { sentence: `The node (machine) is creating ${what} of the project.`, next: 'It goes on by itself.' },
    { since: conditionOf(pod, 'PodScheduled')?.lastTransitionTime ?? null },
  );
}

/** How long a container may take from its start until it answers. */
function startBudgetMs(pod: KubernetesPod, { name }: ContainerStatus): number {
  const probe = pod.spec.containers.find((each) => each.name === name)?.startupProbe;
  if (!probe) return deadlines.containerStartMs;
  const { initialDelaySeconds, periodSeconds, failureThreshold } = probe;
  return (
    ((initialDelaySeconds ?? 0) + (periodSeconds ?? 10) * (failureThreshold ?? 3)) * 1_000 +
    deadlines.containerStartMs / 2
  );
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

/** When every container had become ready, as far as Kubernetes says; an ISO time. */
export function readyAtOf(pod: KubernetesPod): string | null {
  const ready = conditionOf(pod, 'Ready');
  const ms = ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : null;
  return ms === null ? null : new Date(ms).toISOString();
}
