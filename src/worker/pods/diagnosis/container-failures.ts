/** What is wrong with a container that should run and does not, or runs and does not answer. */

import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerEnd, ContainerStatus, KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { endPiece, describeExit, isStartError } from './exit-codes.ts';
import { diagnoseImage, diagnoseImageName, imageWaitingReasons } from './image-failures.ts';
import { deadlines, eventPiece, diagnosis, isSince, lastEvent, piece, type Diagnosis } from './pod-snapshot.ts';

export interface ContainerCase {
  pod: KubernetesPod;
  container: ContainerStatus;
  isInit: boolean;
  /** Of the pod, the newest last. */
  events: KubernetesEvent[];
  now: number;
}

/** The trouble of this container, or `null` when there is none or it may still be on its way. */
export function containerFailure(given: ContainerCase): Diagnosis | null {
  const { container, isInit } = given;
  const { state, lastState, ready, restartCount } = container;
  if (state.waiting) return waitingFailure(given);
  if (state.terminated) {
    // To end is what an init container is for; any other is meant to go on.
    return isInit && state.terminated.exitCode === 0 ? null : endFailure(given, state.terminated);
  }
  const probe = probeFailure(given);
  if (probe) return probe;
  // Between two crashes it runs for a moment: until it is ready, the crash is still the news.
  return !ready && restartCount > 0 && lastState.terminated ? endFailure(given, lastState.terminated) : null;
}

function waitingFailure(given: ContainerCase): Diagnosis | null {
  const { pod, container, events } = given;
  const { reason = '', message } = container.state.waiting ?? {};
  const image = imageOf(pod, container.name);
  const evidence = [piece('container', container.name, message ?? reason, { reason })];
  if (imageWaitingReasons.has(reason)) return diagnoseImage(container, image, events);
  if (reason === 'InvalidImageName') return diagnoseImageName(container, image);
  if (reason.startsWith('PostStartHookError')) return hookFailure(given);
  switch (reason) {
    case 'CreateContainerConfigError':
      return diagnosis(
        'failing',
        'config-missing',
        {
          message: `The container ${container.name} lacks a part of its configuration: ${missingPart(message)}.`,
          nextStep: 'An administrator must provide it; it goes on by itself then.',
        },
        { evidence },
      );
    case 'CreateContainerError':
      return diagnosis(
        'failing',
        'create-container-error',
        {
          message: `The container ${container.name} could not be created on its node${/seccomp/i.test(message ?? '') ? ': the node lacks its seccomp profile' : ''}.`,
          nextStep: 'An administrator must look at the node and the settings of the pod.',
        },
        { evidence },
      );
    case 'RunContainerError':
      return startFailure(given, message);
    case 'CrashLoopBackOff': {
      const end = container.lastState.terminated;
      if (end) return endFailure(given, end);
      return diagnosis(
        'failing',
        'crash-loop',
        {
          message: `The container ${container.name} keeps ending soon after its start.`,
          nextStep: describeRestart(container),
        },
        { evidence },
      );
    }
    default:
      return null;
  }
}

/** "ConfigMap opencode/settings has no key theme", "secret llm-keys not found" */
function missingPart(message: string | undefined): string {
  const text = message ?? '';
  const key = /couldn't find key (\S+) in (ConfigMap|Secret) (?:\S+\/)?(\S+)/i.exec(text);
  if (key) return `the key ${key[1]} is not in the ${key[2]} ${key[3]}`;
  const object = /(configmap|secret) "?([\w.-]+)"? not found/i.exec(text);
  if (object) return `the ${object[1]?.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap'} ${object[2]} was not found`;
  if (/run as non-root|runAsNonRoot|runAsUser|non-numeric user/i.test(text)) {
    return 'its image wants to run as root, which is not allowed';
  }
  return 'the text of Kubernetes says which';
}

function hookFailure({ container, events }: ContainerCase): Diagnosis {
  const event = lastEvent(events, ({ of, reason }) => of.container === container.name && /Hook/.test(reason));
  return diagnosis(
    'failing',
    'hook-failed',
    {
      message: `The start hook of the container ${container.name} failed.`,
      nextStep: `The command that its hook runs must be corrected. ${describeRestart(container)}`,
    },
    {
      evidence: [
        piece('container', container.name, container.state.waiting?.message ?? container.state.waiting?.reason, {
          reason: 'PostStartHookError',
        }),
        ...(event ? [eventPiece(event)] : []),
      ],
    },
  );
}

function startFailure({ container }: ContainerCase, message: string | undefined): Diagnosis {
  const text = message ?? '';
  const why = /permission denied/i.test(text)
    ? ': permission denied for its command'
    : /no such file or directory|executable file not found/i.test(text)
      ? ': its command or a folder that it needs does not exist'
      : '';
  return diagnosis(
    'failing',
    'start-error',
    {
      message: `The program of the container ${container.name} could not start${why}.`,
      nextStep: `Its image or its command must be corrected. ${describeRestart(container)}`,
    },
    { evidence: [piece('container', container.name, text, { reason: 'StartError' })] },
  );
}

function endFailure(given: ContainerCase, end: ContainerEnd): Diagnosis {
  const { container, isInit, events } = given;
  if (isStartError(end)) return startFailure(given, end.message ?? container.state.waiting?.message);
  const killing = end.reason === 'OOMKilled' ? undefined : killedByProbe(given, end);
  if (killing) return killing;
  const reason: ReasonCode =
    end.reason === 'OOMKilled'
      ? 'out-of-memory'
      : isInit
        ? 'init-failed'
        : end.exitCode === 0
          ? 'completed-loop'
          : 'crash-loop';
  const help: Partial<Record<ReasonCode, string>> = {
    'out-of-memory': 'It must use less memory, or be given a higher limit. ',
    'completed-loop': 'It is meant to go on running. ',
    'init-failed': 'The project starts when it has succeeded. ',
  };
  const backOff = lastEvent(events, ({ of, reason: word }) => of.container === container.name && word === 'BackOff');
  return diagnosis(
    'failing',
    reason,
    {
      message: `The container ${container.name} ${describeExit(end)}.`,
      nextStep: `${help[reason] ?? 'Look at what it wrote last, and mend the cause. '}${describeRestart(container)}`,
    },
    {
      since: end.finishedAt ?? null,
      evidence: [
        endPiece(container.name, end),
        ...(container.state.waiting
          ? [
              piece('container', container.name, container.state.waiting.message, {
                reason: container.state.waiting.reason ?? null,
              }),
            ]
          : []),
        ...(backOff ? [eventPiece(backOff)] : []),
      ],
    },
  );
}

/** Killings are told once a minute at most, so the event may be older than the run that it ended last. */
const killingMemoryMs = 5 * 60_000;

/** The container was ended because a probe of it failed, which its exit code does not tell. */
function killedByProbe(given: ContainerCase, end: ContainerEnd): Diagnosis | null {
  const { container, events } = given;
  const finished = timeOf(end.finishedAt);
  const killing = lastEvent(
    events,
    (event) =>
      event.of.container === container.name &&
      event.reason === 'Killing' &&
      /failed (startup|liveness) probe/.test(event.message) &&
      (finished === null || Math.abs((timeOf(event.at) ?? finished) - finished) < killingMemoryMs),
  );
  return killing ? probeKill(given, killing) : null;
}

function probeKill({ container, events }: ContainerCase, killing: KubernetesEvent): Diagnosis {
  const isStartup = /startup probe/.test(killing.message);
  const unhealthy = lastEvent(
    events,
    ({ of, reason, message }) =>
      of.container === container.name &&
      reason === 'Unhealthy' &&
      message.startsWith(isStartup ? 'Startup' : 'Liveness'),
  );
  return diagnosis(
    'failing',
    isStartup ? 'startup-failing' : 'liveness-failing',
    isStartup
      ? {
          message: `The container ${container.name} did not start to answer within its time.`,
          nextStep: `Look at what it waits for. ${describeRestart(container)}`,
        }
      : {
          message: `The container ${container.name} no longer answers, and must restart.`,
          nextStep: `Look at what keeps it busy. ${describeRestart(container)}`,
        },
    { since: killing.firstAt, evidence: [eventPiece(killing), ...(unhealthy ? [eventPiece(unhealthy)] : [])] },
  );
}

/** A container that runs: its probe has just had it killed, or it does not become ready. */
function probeFailure(given: ContainerCase): Diagnosis | null {
  const { container, events, now } = given;
  const startedAt = container.state.running?.startedAt;
  if (!container.state.running) return null;
  const ofThisRun = events.filter((event) => event.of.container === container.name && isSince(event, startedAt));
  const killing = lastEvent(
    ofThisRun,
    ({ reason, message }) => reason === 'Killing' && /failed (startup|liveness) probe/.test(message),
  );
  if (killing) return probeKill(given, killing);
  if (container.ready) return null;
  const unready = lastEvent(
    ofThisRun,
    ({ reason, message }) => reason === 'Unhealthy' && message.startsWith('Readiness'),
  );
  if (!unready) return null;
  // Its port is not open yet: that is how every start looks for a moment.
  const isOpening =
    /connection refused|Failed to connect/.test(unready.message) &&
    (timeOf(startedAt) ?? 0) + deadlines.portClosedMs > now;
  if (isOpening) return null;
  const answered = /(?:statuscode|returned error): (\d+)/.exec(unready.message)?.[1];
  const how = /deadline exceeded|timeout|timed out/i.test(unready.message)
    ? 'it does not answer its readiness check in time'
    : answered === undefined
      ? 'its readiness check fails'
      : `it answers its readiness check with an error (HTTP ${answered})`;
  return diagnosis(
    'failing',
    'readiness-failing',
    {
      message: `The container ${container.name} runs but is not ready: ${how}.`,
      nextStep: 'It counts as ready as soon as it answers. If it stays so, look at what it waits for, or restart.',
    },
    { since: unready.firstAt, evidence: [eventPiece(unready)] },
  );
}

function imageOf(pod: KubernetesPod, name: string): string {
  return [...pod.spec.initContainers, ...pod.spec.containers].find((each) => each.name === name)?.image ?? '';
}

function describeRestart({ restartCount }: ContainerStatus): string {
  const count = restartCount === 0 ? '' : ` (${restartCount} ${restartCount === 1 ? 'restart' : 'restarts'} so far)`;
  return `It is started again by itself${count}.`;
}
