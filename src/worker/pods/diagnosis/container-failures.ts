/** A container that should run but does not, or that runs but does not answer its probes. */

import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { describeRestart, type ContainerCase } from './container-case.ts';
import { diagnoseExit, diagnoseStartError } from './container-exits.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { isNodeStop } from './exit-codes.ts';
import { diagnoseImage, diagnoseImageName, imageWaitingReasons } from './image-failures.ts';
import { probeFailure } from './probe-failures.ts';

/** `null` when the container has no failure, or is still starting. */
export function containerFailure(given: ContainerCase): Diagnosis | null {
  const { container, isInit } = given;
  const { state, lastState, ready, restartCount } = container;
  if (state.waiting) return waitingFailure(given);
  if (state.terminated) {
    // An init container is meant to end. Every other container is meant to keep running.
    return isInit && state.terminated.exitCode === 0 ? null : diagnoseExit(given, state.terminated);
  }
  const probe = probeFailure(given);
  if (probe) return probe;
  // A crashing container runs for a moment between two crashes. The crash counts until the container is ready.
  const last = lastState.terminated;
  return !ready && restartCount > 0 && last && !isNodeStop(last) ? diagnoseExit(given, last) : null;
}

function waitingFailure(given: ContainerCase): Diagnosis | null {
  const { pod, container, events } = given;
  const { reason = '', message } = container.state.waiting ?? {};
  const image = imageOf(pod, container.name);
  const evidence = [evidenceOf({ source: 'container', subject: container.name, text: message ?? reason, reason })];
  if (imageWaitingReasons.has(reason)) return diagnoseImage(container, image, events);
  if (reason === 'InvalidImageName') return diagnoseImageName(container, image);
  if (reason.startsWith('PostStartHookError')) return diagnoseHook(given);
  switch (reason) {
    case 'CreateContainerConfigError':
      return createDiagnosis({
        state: 'failing',
        reason: 'config-missing',
        message: `Part of the configuration of the container ${container.name} is missing: ${missingPart(message)}.`,
        nextStep: 'An administrator must provide it. The start then continues by itself.',
        evidence,
      });
    case 'CreateContainerError':
      return createDiagnosis({
        state: 'failing',
        reason: 'create-container-error',
        message: `The container ${container.name} could not be created on its node${/seccomp/i.test(message ?? '') ? ': the node does not have its seccomp profile' : ''}.`,
        nextStep: 'An administrator must check the node and the settings of the pod.',
        evidence,
      });
    case 'RunContainerError':
      return diagnoseStartError(given, message);
    case 'CrashLoopBackOff': {
      const end = container.lastState.terminated;
      if (end) return diagnoseExit(given, end);
      return createDiagnosis({
        state: 'failing',
        reason: 'crash-loop',
        message: `The container ${container.name} keeps ending soon after its start.`,
        nextStep: describeRestart(container),
        evidence,
      });
    }
    default:
      return null;
  }
}

/** For example "the key theme is not in the ConfigMap settings" or "the Secret llm-keys was not found". */
function missingPart(message = ''): string {
  const key = /couldn't find key (\S+) in (ConfigMap|Secret) (?:\S+\/)?(\S+)/i.exec(message);
  if (key) return `the key ${key[1]} is not in the ${key[2]} ${key[3]}`;
  const object = /(configmap|secret) "?([\w.-]+)"? not found/i.exec(message);
  if (object) return `the ${object[1]?.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap'} ${object[2]} was not found`;
  if (/run as non-root|runAsNonRoot|runAsUser|non-numeric user/i.test(message)) {
    return 'its image runs as root, which is not allowed';
  }
  return 'the message of Kubernetes says which part';
}

function diagnoseHook({ container, events }: ContainerCase): Diagnosis {
  const { waiting } = container.state;
  const event = events.findLast(
    ({ involvedObject, reason }) => involvedObject.container === container.name && /Hook/.test(reason),
  );
  return createDiagnosis({
    state: 'failing',
    reason: 'hook-failed',
    message: `The start hook of the container ${container.name} failed.`,
    nextStep: `Correct the command of the hook. ${describeRestart(container)}`,
    evidence: [
      evidenceOf({
        source: 'container',
        subject: container.name,
        text: waiting?.message ?? waiting?.reason,
        reason: 'PostStartHookError',
      }),
      ...(event ? [evidenceOfEvent(event)] : []),
    ],
  });
}

function imageOf(pod: KubernetesPod, name: string): string {
  return [...pod.spec.initContainers, ...pod.spec.containers].find((each) => each.name === name)?.image ?? '';
}
