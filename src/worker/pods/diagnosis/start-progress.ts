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
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { readyAtOf } from './diagnose-pod.ts';
import { isoOf } from './pod-snapshot.ts';

export interface StartGiven {
  /** When the start was asked for; an ISO time. */
  startedAt: string;
  /** The attempt under way or made last, and how many there may be. */
  attempt: { number: number; of: number };
  pod: KubernetesPod | null;
  claim: KubernetesClaim | null;
  events: KubernetesEvent[];
  reason: ReasonCode | null;
  /** What was said of this start before; of another start it is ignored. */
  previous: StartProgress | null;
  /** An ISO time. */
  now: string;
}

interface ObservedState {
  isDone: boolean;
  /** When it was, where Kubernetes says so. */
  at: string | null;
  done: number | null;
  total: number | null;
}

const order = startStepNameSchema.options;

export function startProgress(given: StartGiven): StartProgress {
  const { startedAt, now } = given;
  const previous = given.previous?.startedAt === startedAt ? given.previous : null;
  // A start ends once: what happens to a pod that has been ready is no part of it.
  if (previous?.readyAt != null) return previous;
  const observed = look(given);
  // A later step that is done vouches for those before it.
  const lastDone = order.findLastIndex((name) => observed[name].isDone || stepOf(previous, name)?.state === 'done');
  let from: string = startedAt;
  const steps = order.map((name, index): StartStep => {
    const earlier = stepOf(previous, name);
    const { at, done, total } = observed[name];
    const parts = { done: atLeast(earlier?.done ?? null, done), total: total ?? earlier?.total ?? null };
    if (index <= lastDone) {
      const finishedAt = later(from, earlier?.finishedAt ?? earliestOf(at, now));
      const step = {
        name,
        state: 'done' as const,
        // Of attempts it tells which one it was; of all else every part is there.
        done: name === 'queued' ? parts.done : parts.total,
        total: parts.total,
        startedAt: earlier?.startedAt ?? from,
        finishedAt,
      };
      from = finishedAt;
      return step;
    }
    const isCurrent = index === lastDone + 1;
    const state = isCurrent ? (isFailure(given.reason) ? 'failed' : 'active') : 'waiting';
    return { name, state, ...parts, startedAt: isCurrent ? (earlier?.startedAt ?? from) : null, finishedAt: null };
  });
  const readyAt = steps.at(-1)?.finishedAt ?? null;
  return { startedAt, readyAt, steps };
}

/** What the objects say of each step, without memory. */
function look({ attempt, pod, claim, events }: StartGiven): Record<StartStepName, ObservedState> {
  const total = pod?.spec.containers.length ?? null;
  const names = new Set(pod?.spec.containers.map(({ name }) => name));
  const statuses = pod?.status.containerStatuses.filter(({ name }) => names.has(name)) ?? [];
  const created = isoOf(pod?.metadata.creationTimestamp);
  const scheduled = pod ? conditionOf(pod, 'PodScheduled') : undefined;
  const pulled = statuses.filter((status) => hasImage(status, pod, events)).length;
  const started = statuses.filter(({ state, restartCount }) => state.running ?? restartCount > 0).length;
  const ready = statuses.filter((status) => status.ready).length;
  const starts = statuses.flatMap(({ state }) => isoOf(state.running?.startedAt) ?? []).toSorted();
  const hasStarted = total !== null && total > 0 && started === total;
  /** Of nothing nothing is done. */
  const of = (done: number) => (total === null ? null : done);
  const isReady =
    pod?.status.phase === 'Running' && ready === total && total > 0 && conditionOf(pod, 'Ready')?.status !== 'False';
  return {
    queued: { isDone: pod !== null, at: created, done: attempt.number, total: attempt.of },
    volume: { isDone: claim?.status.phase === 'Bound', at: null, done: null, total: null },
    node: {
      isDone: Boolean(pod?.spec.nodeName),
      at: scheduled?.status === 'True' ? isoOf(scheduled.lastTransitionTime) : null,
      done: null,
      total: null,
    },
    images: { isDone: total !== null && total > 0 && pulled === total, at: starts[0] ?? null, done: of(pulled), total },
    containers: { isDone: hasStarted, at: starts.at(-1) ?? null, done: of(started), total },
    ready: { isDone: isReady, at: pod ? readyAtOf(pod) : null, done: of(ready), total },
  };
}

/** A container that has run has its image; before, the node tells it by an event. */
function hasImage(
  { name, state, lastState, restartCount }: KubernetesPod['status']['containerStatuses'][number],
  pod: KubernetesPod | null,
  events: KubernetesEvent[],
): boolean {
  if (state.running ?? state.terminated ?? lastState.terminated ?? restartCount > 0) return true;
  return events.some(({ of, reason }) => of.uid === pod?.metadata.uid && of.container === name && reason === 'Pulled');
}

function stepOf(progress: StartProgress | null, name: StartStepName): StartStep | undefined {
  return progress?.steps.find((step) => step.name === name);
}

function atLeast(before: number | null, now: number | null): number | null {
  return before === null || now === null ? (now ?? before) : Math.max(before, now);
}

const later = (a: string, b: string) => (b > a ? b : a);
const earliestOf = (at: string | null, now: string) => (at !== null && at < now ? at : now);
