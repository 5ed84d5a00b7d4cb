/** A container that ended although it should run, or that could not be started. */

import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { ContainerEnd } from '../kube/kubernetes-pod.ts';
import { describeRestart, type ContainerCase } from './container-case.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { describeExit, evidenceOfExit, isStartError } from './exit-codes.ts';
import { diagnoseProbeKill, killingOfRun } from './probe-failures.ts';

export function diagnoseExit(given: ContainerCase, end: ContainerEnd): Diagnosis {
  const { container } = given;
  if (isStartError(end)) return diagnoseStartError(given, end.message ?? container.state.waiting?.message);
  // The kernel, not a probe, killed a container that ran out of memory.
  const killing = end.reason === 'OOMKilled' ? undefined : killingOfRun(given, end);
  if (killing) return diagnoseProbeKill(given, killing);
  const reason = exitReason(given, end);
  return createDiagnosis({
    state: 'failing',
    reason,
    message: `The container ${container.name} ${describeExit(end)}.`,
    nextStep: `${adviceFor(reason)} ${describeRestart(container)}`,
    since: end.finishedAt ?? null,
    evidence: exitEvidence(given, end),
  });
}

function exitReason({ isInit }: ContainerCase, end: ContainerEnd): ReasonCode {
  if (end.reason === 'OOMKilled') return 'out-of-memory';
  if (isInit) return 'init-failed';
  return end.exitCode === 0 ? 'completed-loop' : 'crash-loop';
}

function adviceFor(reason: ReasonCode): string {
  switch (reason) {
    case 'out-of-memory':
      return 'It must use less memory, or an administrator must raise its limit.';
    case 'completed-loop':
      return 'It is meant to keep running.';
    case 'init-failed':
      return 'The project starts when it has succeeded.';
    default:
      return 'Check its last output, and fix the cause.';
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

export function diagnoseStartError({ container }: ContainerCase, message = ''): Diagnosis {
  return createDiagnosis({
    state: 'failing',
    reason: 'start-error',
    message: `The program of the container ${container.name} could not start${startErrorCause(message)}.`,
    nextStep: `Correct its image or its command. ${describeRestart(container)}`,
    evidence: [evidenceOf({ source: 'container', subject: container.name, text: message, reason: 'StartError' })],
  });
}

function startErrorCause(message: string): string {
  if (/permission denied/i.test(message)) return ': permission denied for its command';
  if (/no such file or directory|executable file not found/i.test(message)) {
    return ': its command or a folder that it needs does not exist';
  }
  return '';
}
