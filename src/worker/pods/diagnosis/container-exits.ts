/** A container that ended although it should run, or that could not be started. */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type ContainerEnd } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { actorFor, describeRestart, type ContainerCase } from './container-case.ts';
import { hasLimitsOfSize, nameContainer } from './container-roles.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { describeExit, evidenceOfExit, isInterruption, isStartError, lastWords } from './exit-codes.ts';
import { diagnoseProbeKill, killingOfRun } from './probe-failures.ts';
import { causeUnknown, quoted, withoutNames } from './report-text.ts';
import { startCauseOf } from './start-causes.ts';

/** The hook and the end that it causes are reported within a moment of each other. */
const hookMaxAgeMs = 60_000;

/** `null` when the end is nobody's fault and the container has had time to start again: its progress then says more. */
export function diagnoseExit(given: ContainerCase, end: ContainerEnd): Diagnosis | null {
  const { container } = given;
  if (isStartError(end)) return diagnoseStart(given, 'StartError', end.message ?? container.state.waiting?.message);
  const refused = refusedProgram(end);
  if (refused !== undefined) return diagnoseStart(given, 'StartError', refused);
  if (isInterruption(end)) return diagnoseInterruption(given, end);
  // The kernel, not a probe, killed a container that ran out of memory.
  if (end.reason !== 'OOMKilled') {
    const hook = failedHookOf(given, end);
    if (hook) return diagnoseHook(given, hook);
    const killing = killingOfRun(given, end);
    if (killing) return diagnoseProbeKill(given, killing);
  }
  const reason = exitReason(given, end);
  const words = lastWords(end);
  return createDiagnosis({
    state: 'failing',
    reason,
    message: `${nameContainer(container.name)} ${describeExit(end)}.${words === '' ? '' : ` Its last words: "${words}".`}`,
    nextStep: `${adviceFor(reason, { words, container: container.name })} ${describeRestart(container)}`,
    actor: exitActor(given, end),
    since: end.finishedAt ?? null,
    evidence: exitEvidence(given, end),
  });
}

/**
 * runc `libcontainer/standard_init_linux.go`: the kernel does not run the program of the image. runc says so as the last words of
 * the container: `exec /bin/x: exec format error`, formerly `exec user process caused: …`. The program itself never ran.
 */
function refusedProgram({ exitCode, message = '' }: ContainerEnd): string | undefined {
  if (exitCode === 0) return undefined;
  return /^(?:standard_init_linux\.go:\d+: )?(exec (?:\/\S+|user process caused:?):? ?"?(?:exec format error|no such file or directory|permission denied))"?$/.exec(
    message.trim(),
  )?.[1];
}

function exitReason({ isInit }: ContainerCase, end: ContainerEnd): ReasonCode {
  if (end.reason === 'OOMKilled') return 'out-of-memory';
  if (isInit) return 'init-failed';
  return end.exitCode === 0 ? 'completed-loop' : 'crash-loop';
}

/** SIGILL and SIGSYS come from the processor and the security settings of the node, whatever the program does. */
function exitActor({ container }: ContainerCase, { exitCode, signal }: ContainerEnd): Actor {
  const isOfNode = [132, 159].includes(exitCode) || [4, 31].includes(signal ?? 0);
  return isOfNode ? 'administrator' : actorFor(container.name);
}

function adviceFor(reason: ReasonCode, { words, container }: { words: string; container: string }): string {
  switch (reason) {
    case 'out-of-memory':
      // The owner can choose a larger size, if the installation has sizes.
      return hasLimitsOfSize(container)
        ? 'It must use less memory, or get a higher limit.'
        : 'It must use less memory, or an administrator must raise its limit.';
    case 'completed-loop':
      return 'It is meant to keep running.';
    case 'init-failed':
      return 'The project starts when it has succeeded.';
    default:
      return words === '' ? 'Check its last output, and fix the cause.' : 'Fix the cause. Its log says more.';
  }
}

function exitEvidence({ container, events }: ContainerCase, end: ContainerEnd): Diagnosis['evidence'] {
  const { waiting } = container.state;
  const backOff = events.findLast(
    ({ involvedObject, reason }) => involvedObject.container === container.name && reason === 'BackOff',
  );
  return [
    evidenceOfExit(container.name, end),
    ...(waiting
      ? [
          evidenceOf({
            source: 'container',
            subject: container.name,
            text: waiting.message,
            reason: waiting.reason ?? null,
          }),
        ]
      : []),
    ...(backOff ? [evidenceOfEvent(backOff)] : []),
  ];
}

/** The node or its runtime restarted. The kubelet starts the container again. */
function diagnoseInterruption({ pod, container, now }: ContainerCase, end: ContainerEnd): Diagnosis | null {
  const { running } = container.state;
  if (running && isOverdue(running.startedAt, deadlines.containerStartMs, now)) return null;
  const since = end.finishedAt ?? conditionOf(pod, 'Ready')?.lastTransitionTime ?? null;
  const isOver = !running && isOverdue(since, deadlines.restartMs, now);
  return createDiagnosis({
    state: 'starting',
    reason: 'interrupted',
    message: `${nameContainer(container.name)} was interrupted by a restart of its node (machine) or of the runtime there.`,
    nextStep: running
      ? 'It has been started again and becomes ready soon.'
      : isOver
        ? 'It should have been started again by now. An administrator must check the node.'
        : describeRestart(container),
    ...(isOver ? { actor: 'administrator' } : {}),
    since,
    recheckAt: running
      ? deadlineAfter(running.startedAt, deadlines.containerStartMs, now)
      : deadlineAfter(since, deadlines.restartMs, now),
    evidence: [evidenceOfExit(container.name, end)],
  });
}

/** @param reason the reason in Kubernetes, such as `CreateContainerError` */
export function diagnoseStart({ container }: ContainerCase, reason: string, message = ''): Diagnosis {
  const cause = startCauseOf(withoutNames(message), message);
  const isCreation = reason !== 'StartError' && !reason.startsWith('Run');
  const subject = nameContainer(container.name);
  return createDiagnosis({
    state: 'failing',
    reason: cause?.reason ?? (isCreation ? 'create-container-error' : 'start-error'),
    message: cause
      ? `${subject} ${cause.what}.`
      : `${subject} could not ${isCreation ? 'be created on its node (machine)' : 'start'}. ${quoted(message)}`.trim(),
    nextStep: `${cause?.toDo ?? causeUnknown('the node and the settings of the pod')} ${describeRestart(container)}`,
    actor: cause?.actor ?? 'administrator',
    evidence: [evidenceOf({ source: 'container', subject: container.name, text: message || reason, reason })],
  });
}

/** The kubelet kills a container whose start hook fails; the exit code does not say so (`kuberuntime_container.go`). */
function failedHookOf({ container, events }: ContainerCase, end: ContainerEnd): KubernetesEvent | undefined {
  const finished = timeOf(end.finishedAt);
  return events.findLast(
    ({ involvedObject, reason, at }) =>
      involvedObject.container === container.name &&
      reason === 'FailedPostStartHook' &&
      (finished === null || Math.abs((timeOf(at) ?? finished) - finished) < hookMaxAgeMs),
  );
}

/** @param hook an event about the hook */
export function diagnoseHook({ container, events }: ContainerCase, hook?: KubernetesEvent): Diagnosis {
  const { waiting } = container.state;
  const event =
    hook ??
    events.findLast(({ involvedObject, reason }) => involvedObject.container === container.name && /Hook/.test(reason));
  return createDiagnosis({
    state: 'failing',
    reason: 'hook-failed',
    message: `The start hook of the container ${container.name} failed.`,
    nextStep: `An administrator must correct the command of the hook. ${describeRestart(container)}`,
    evidence: [
      ...(waiting
        ? [
            evidenceOf({
              source: 'container',
              subject: container.name,
              text: waiting.message ?? waiting.reason,
              reason: waiting.reason ?? null,
            }),
          ]
        : []),
      ...(event ? [evidenceOfEvent(event)] : []),
    ],
  });
}
