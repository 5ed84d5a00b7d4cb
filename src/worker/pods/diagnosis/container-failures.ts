/** A container that should run but does not, or that runs but does not answer its probes. */

import { diagnoseConfig } from './config-failures.ts';
import { describeRestart, type ContainerCase } from './container-case.ts';
import { diagnoseExit, diagnoseHook, diagnoseStart } from './container-exits.ts';
import { nameContainer } from './container-roles.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf } from './evidence.ts';
import { diagnoseImage, imageWaitingReasons } from './image-failures.ts';
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
  return !ready && restartCount > 0 && lastState.terminated ? diagnoseExit(given, lastState.terminated) : null;
}

/** By the waiting reason: `pkg/kubelet/container/sync_result.go` and `kuberuntime_container.go`. */
function waitingFailure(given: ContainerCase): Diagnosis | null {
  const { pod, container, events } = given;
  const { reason = '', message } = container.state.waiting ?? {};
  if (imageWaitingReasons.has(reason)) return diagnoseImage(container, pod, events);
  if (reason.startsWith('PostStartHookError')) return diagnoseHook(given);
  switch (reason) {
    case 'CreateContainerConfigError':
    case 'VerifyNonRootError':
      return diagnoseConfig(given);
    case 'CreateContainerError':
    case 'RunContainerError':
    case 'RunInitContainerError':
    case 'PreCreateHookError':
    case 'PreStartHookError':
    // `cri-api/pkg/errors`.
    case 'ImageVolumeMountFailed':
    case 'RROUnsupported':
      return diagnoseStart(given, reason, message);
    case 'CrashLoopBackOff': {
      const end = container.lastState.terminated;
      return end ? diagnoseExit(given, end) : diagnoseUnknownEnd(given);
    }
    default:
      return null;
  }
}

/** Kubernetes waits before the next start, but has forgotten how the last run ended. */
function diagnoseUnknownEnd({ container }: ContainerCase): Diagnosis {
  const { reason = '', message } = container.state.waiting ?? {};
  return createDiagnosis({
    state: 'failing',
    reason: 'crash-loop',
    message: `${nameContainer(container.name)} keeps ending soon after its start.`,
    nextStep: describeRestart(container),
    evidence: [evidenceOf({ source: 'container', subject: container.name, text: message ?? reason, reason })],
  });
}
