/** Containers of which at least one has started, and not all are ready: which are still to come, and which take too long. */

import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { helperFor, nameContainer } from './container-roles.ts';
import { deadlineAfter, deadlines, earliest, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { joinWithAnd } from './join-with-and.ts';
import { boundedTime, futureTime } from './node-times.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

export function readyCount(pod: KubernetesPod): number {
  const isReadyByName = (name: string) => pod.status.containerStatuses.find((status) => status.name === name)?.ready;
  return pod.spec.containers.filter(({ name }) => isReadyByName(name)).length;
}

/** At least one container has started, and not all are ready. */
export function diagnoseStarting({ pod, now }: PodSnapshot, pullingRecheckAt: string | null): Diagnosis {
  const unready = pod.status.containerStatuses.filter((container) => !container.ready);
  const recheckAt = earliest(
    ...unready.map((container) => deadlineAfter(waitingSince(pod, container, now), startBudgetMs(pod, container), now)),
    // A readiness check whose connection was refused counts only after the time to open the port.
    ...unready
      .filter((container) => container.started !== false)
      .map((container) => deadlineAfter(startedAtOf(pod, container, now), deadlines.portClosedMs, now)),
    ...unready.map(({ state }) => futureTime(state.running?.startedAt, now)),
    pullingRecheckAt,
  );
  const total = pod.spec.containers.length;
  const progress = `${readyCount(pod)} of ${total} ${total === 1 ? 'is' : 'are'} ready`;
  const waiting = unready.map(({ name }) => name);
  const slow = unready.find((container) =>
    isOverdue(waitingSince(pod, container, now), startBudgetMs(pod, container), now),
  );
  if (slow) {
    return createDiagnosis({
      state: 'starting',
      reason: 'starting-slow',
      message: `${nameContainer(slow.name)} takes longer than usual to start: ${progress}.`,
      nextStep: `It gets more time. If it does not become ready, ${helperFor(slow.name) === 'owner' ? '' : 'an administrator must '}check what it is waiting for.`,
      actor: helperFor(slow.name),
      since: waitingSince(pod, slow, now) ?? null,
      recheckAt,
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'starting',
    message: `The containers are starting: ${progress}.${waiting.length === 0 ? '' : ` Still to come: ${joinWithAnd(waiting)}.`}`,
    nextStep: 'The project is ready when all containers respond.',
    recheckAt,
  });
}

const startedAtOf = (pod: KubernetesPod, { state }: ContainerStatus, now: number) =>
  boundedTime(pod, state.running?.startedAt, now);

/** From when a container is waited for: its start, or the time at which it could have been started for the first time. */
function waitingSince(pod: KubernetesPod, container: ContainerStatus, now: number) {
  const isFirstStart = container.restartCount === 0 && !container.lastState.terminated;
  if (container.state.running ?? !isFirstStart) return startedAtOf(pod, container, now);
  const initialized = conditionOf(pod, 'Initialized');
  return initialized?.status === 'True' ? initialized.lastTransitionTime : null;
}

/** How long a container may take until it is ready. */
function startBudgetMs(pod: KubernetesPod, container: ContainerStatus): number {
  if (!container.state.running) return deadlines.preparingMs;
  const probe = pod.spec.containers.find(({ name }) => name === container.name)?.startupProbe;
  if (!probe) return deadlines.containerStartMs;
  const { initialDelaySeconds, periodSeconds, failureThreshold } = probe;
  const probeSeconds = (initialDelaySeconds ?? 0) + (periodSeconds ?? 10) * (failureThreshold ?? 3);
  return probeSeconds * 1_000 + deadlines.containerStartMs / 2;
}
