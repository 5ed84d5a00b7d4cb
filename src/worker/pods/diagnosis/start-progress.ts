/** How far a start has come, step by step. Steps never go back within one start. */

import {
  startStepNameSchema,
  type StartProgress,
  type StartStep,
  type StartStepName,
} from '../../../shared/contract/diagnosis.ts';
import { isFailure, type ReasonCode } from '../../../shared/contract/reasons.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { isoTimeOf } from '../kube/kubernetes-time.ts';
import { readyAtOf } from './summarize-containers.ts';

interface StartInput {
  /** When the start was requested; an ISO time. */
  startedAt: string;
  /** The current or most recent attempt, and how many attempts are allowed. */
  attempt: { number: number; of: number };
  pod: KubernetesPod | null;
  claim: KubernetesClaim | null;
  events: KubernetesEvent[];
  reason: ReasonCode | null;
  /** The progress recorded before. It is ignored when it belongs to another start. */
  previous: StartProgress | null;
  /** An ISO time. */
  now: string;
}

interface ObservedStep {
  isDone: boolean;
  /** When the step was done, if Kubernetes says so. */
  at: string | null;
  done: number | null;
  total: number | null;
}

const stepNames = startStepNameSchema.options;

export function startProgress(input: StartInput): StartProgress {
  const { startedAt, now } = input;
  const previous = input.previous?.startedAt === startedAt ? input.previous : null;
  // A start ends once. What happens to a pod after it was ready is not part of its start.
  if (previous?.readyAt != null) return previous;
  const observed = observeSteps(input);
  // A step counts as done when any step after it is done.
  const lastDone = stepNames.findLastIndex((name) => observed[name].isDone || stepOf(previous, name)?.state === 'done');
  let previousStepEnd = startedAt;
  const steps = stepNames.map((name, index): StartStep => {
    const recorded = stepOf(previous, name);
    const { at, done, total } = observed[name];
    const counts = { done: highest(recorded?.done ?? null, done), total: total ?? recorded?.total ?? null };
    if (index > lastDone) {
      if (index > lastDone + 1) return { name, state: 'waiting', ...counts, startedAt: null, finishedAt: null };
      const state = isFailure(input.reason) ? 'failed' : 'active';
      return { name, state, ...counts, startedAt: recorded?.startedAt ?? previousStepEnd, finishedAt: null };
    }
    const finishedAt = latest(previousStepEnd, recorded?.finishedAt ?? notAfter(at, now));
    const step: StartStep = {
      name,
      state: 'done',
      // `queued` counts attempts and keeps the number of the successful one. In other steps every part is done.
      done: name === 'queued' ? counts.done : counts.total,
      total: counts.total,
      startedAt: recorded?.startedAt ?? previousStepEnd,
      finishedAt,
    };
    previousStepEnd = finishedAt;
    return step;
  });
  const readyAt = steps.at(-1)?.finishedAt ?? null;
  return { startedAt, readyAt, steps };
}

/** What the objects say about each step now, without the recorded progress. */
function observeSteps({ attempt, pod, claim, events }: StartInput): Record<StartStepName, ObservedStep> {
  const scheduled = pod ? conditionOf(pod, 'PodScheduled') : undefined;
  return {
    queued: {
      isDone: pod !== null,
      at: isoTimeOf(pod?.metadata.creationTimestamp),
      done: attempt.number,
      total: attempt.of,
    },
    volume: { isDone: claim?.status.phase === 'Bound', at: null, done: null, total: null },
    node: {
      isDone: Boolean(pod?.spec.nodeName),
      at: scheduled?.status === 'True' ? isoTimeOf(scheduled.lastTransitionTime) : null,
      done: null,
      total: null,
    },
    ...observeContainers(pod, events),
  };
}

function observeContainers(
  pod: KubernetesPod | null,
  events: KubernetesEvent[],
): Record<'images' | 'containers' | 'ready', ObservedStep> {
  if (!pod) {
    const unknown = { isDone: false, at: null, done: null, total: null };
    return { images: unknown, containers: unknown, ready: unknown };
  }
  const total = pod.spec.containers.length;
  const names = new Set(pod.spec.containers.map(({ name }) => name));
  const statuses = pod.status.containerStatuses.filter(({ name }) => names.has(name));
  const pulled = statuses.filter((status) => hasImage(status, pod, events)).length;
  const started = statuses.filter(({ state, restartCount }) => state.running ?? restartCount > 0).length;
  const ready = statuses.filter((status) => status.ready).length;
  const startTimes = statuses.flatMap(({ state }) => isoTimeOf(state.running?.startedAt) ?? []).toSorted();
  const isRunning = pod.status.phase === 'Running' && conditionOf(pod, 'Ready')?.status !== 'False';
  const isComplete = (count: number) => total > 0 && count === total;
  return {
    images: { isDone: isComplete(pulled), at: startTimes[0] ?? null, done: pulled, total },
    containers: { isDone: isComplete(started), at: startTimes.at(-1) ?? null, done: started, total },
    ready: { isDone: isRunning && isComplete(ready), at: readyAtOf(pod), done: ready, total },
  };
}

/** A container that has run has its image. Before that, an event of the node says so. */
function hasImage(
  { name, state, lastState, restartCount }: ContainerStatus,
  pod: KubernetesPod,
  events: KubernetesEvent[],
): boolean {
  if (state.running ?? state.terminated ?? lastState.terminated ?? restartCount > 0) return true;
  return events.some(
    ({ involvedObject, reason }) =>
      involvedObject.uid === pod.metadata.uid && involvedObject.container === name && reason === 'Pulled',
  );
}

function stepOf(progress: StartProgress | null, name: StartStepName): StartStep | undefined {
  return progress?.steps.find((step) => step.name === name);
}

function highest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (b ?? a) : Math.max(a, b);
}

const latest = (a: string, b: string) => (b > a ? b : a);

/** `at`, or `now` when `at` is unknown or in the future. */
const notAfter = (at: string | null, now: string) => (at !== null && at < now ? at : now);
