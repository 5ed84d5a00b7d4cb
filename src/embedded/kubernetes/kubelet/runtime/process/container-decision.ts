/** What is due for one container, decided from its status and its process. It depends on its arguments only. */

import { createHash } from 'node:crypto';

import { kubeTime, textAt, valueAt, type JsonObject } from '../../../api/kube-object.ts';
import type { KubeletDelays } from '../../delays.ts';
import {
  backOffMs,
  hasSucceeded,
  isRunning,
  normal,
  terminated,
  waiting,
  warning,
  type StepEvent,
} from '../container-status.ts';
import { crashBackOffMessage } from '../kubelet-messages.ts';
import type { Health } from './probe-state.ts';

/** A run of a container as this process knows it. */
export interface RunState {
  startedAtMs: number;
  health: Health;
  /** It was asked to end because of a probe. */
  isStopping: boolean;
  end?: { atMs: number; exitCode: number; reason: 'Completed' | 'Error' | 'OOMKilled'; message: string };
}

export interface DecisionInput {
  container: JsonObject;
  status: JsonObject;
  /** Undefined when this process has not started the container. */
  run: RunState | undefined;
  /** How often it has ended without a long run in between. */
  crashes: number;
  restartPolicy: string;
  pod: { name: string; namespace: string; uid: string };
  delays: Pick<KubeletDelays, 'settleMs' | 'backOffMs' | 'backOffLimitMs'>;
  nowMs: number;
}

export interface Decision {
  status: JsonObject;
  events: StepEvent[];
  retryAfterMs?: number;
  /** `start`: start it, with this count of restarts and this last state. `stop`: end it because of a probe. */
  action?: { kind: 'start'; restartCount: number; lastState: JsonObject } | { kind: 'stop' };
}

export function decideContainer(input: DecisionInput): Decision {
  const { status, run } = input;
  if (isRunning(status) && run !== undefined) return decideRunning(input, run);
  if (valueAt(status, 'state', 'terminated') !== undefined) return decideTerminated(input);
  if (textAt(status, 'state', 'waiting', 'reason') === 'CrashLoopBackOff') return decideBackOff(input);
  return start(input, {});
}

function decideRunning(input: DecisionInput, run: RunState): Decision {
  const { container, status, delays } = input;
  if (run.end !== undefined) {
    const { exitCode, reason, message, atMs } = run.end;
    const ended = terminated(status, { exitCode, reason, message: message || undefined, nowMs: atMs });
    return { status: ended, events: [], retryAfterMs: delays.settleMs };
  }
  const { isStarted, isReady, failed } = run.health;
  const next = { ...status, started: isStarted, ready: isReady };
  if (failed === undefined || run.isStopping) return { status: next, events: [] };
  const message = `Container ${textAt(container, 'name')} failed ${failed} probe, will be restarted`;
  return { status: next, events: [normal('Killing', message)], action: { kind: 'stop' } };
}

function decideTerminated(input: DecisionInput): Decision {
  const { container, status, crashes, restartPolicy, delays, nowMs, pod } = input;
  if (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && hasSucceeded(status))) {
    return { status, events: [] };
  }
  const leftMs = endedAtMs(input, 'state') + delays.settleMs - nowMs;
  if (leftMs > 0) return { status, events: [], retryAfterMs: leftMs };
  const lastState = valueAt(status, 'state') as JsonObject; // the caller has found it to be terminated
  // The first restart has no pause. The pause before each further one is longer.
  if (crashes <= 1) return start(input, { lastState });
  const pauseMs = backOffMs(delays, crashes - 1);
  const backOff = `Back-off restarting failed container ${textAt(container, 'name')} in pod ${pod.name}_${pod.namespace}(${pod.uid})`;
  return {
    status: { ...waiting(status, 'CrashLoopBackOff', crashBackOffMessage(container, pod, pauseMs)), lastState },
    events: [warning('BackOff', backOff)],
    retryAfterMs: pauseMs,
  };
}

function decideBackOff(input: DecisionInput): Decision {
  const { status, crashes, delays, nowMs } = input;
  const leftMs = endedAtMs(input, 'lastState') + backOffMs(delays, Math.max(1, crashes - 1)) - nowMs;
  return leftMs > 0 ? { status, events: [], retryAfterMs: leftMs } : start(input, {});
}

function endedAtMs({ status, run, nowMs }: DecisionInput, state: 'state' | 'lastState'): number {
  return run?.end?.atMs ?? (Date.parse(textAt(status, state, 'terminated', 'finishedAt')) || nowMs);
}

function start({ status }: DecisionInput, { lastState }: { lastState?: JsonObject }): Decision {
  const last = lastState ?? (valueAt(status, 'lastState') as JsonObject | undefined) ?? {};
  const restarts = Number(status['restartCount'] ?? 0);
  const isRestart = valueAt(last, 'terminated') !== undefined;
  return {
    status,
    events: [],
    action: { kind: 'start', restartCount: restarts + (isRestart ? 1 : 0), lastState: last },
  };
}

/** The status of a container that has just been started, and its events. */
export function startedStatus(
  { container, status, pod }: Pick<DecisionInput, 'container' | 'status' | 'pod'>,
  run: { restartCount: number; lastState: JsonObject; startedAtMs: number; health: Health },
): { status: JsonObject; events: StepEvent[] } {
  const [name, image] = [textAt(container, 'name'), textAt(container, 'image')];
  return {
    status: {
      ...status,
      state: { running: { startedAt: kubeTime(run.startedAtMs) } },
      lastState: run.lastState,
      restartCount: run.restartCount,
      started: run.health.isStarted,
      ready: run.health.isReady,
      image,
      imageID: `sha256:${digest(image)}`,
      containerID: `process://${digest(`${pod.uid}/${name}/${run.restartCount}`)}`,
    },
    events: [
      normal('Pulled', `Container image "${image}" already present on machine`),
      normal('Created', `Created container: ${name}`),
      normal('Started', `Started container ${name}`),
    ],
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * The status of a container that an earlier kubelet has left, as after a restart of the node: nothing of it runs any more. It
 * waits for its next start, and init containers wait too.
 */
export function lostStatus(status: JsonObject, { hasInits, nowMs }: { hasInits: boolean; nowMs: number }): JsonObject {
  const ended = isRunning(status) ? terminated(status, { exitCode: 255, reason: 'Unknown', nowMs }) : status;
  const lastState =
    valueAt(ended, 'state', 'terminated') === undefined ? (status['lastState'] ?? {}) : (ended['state'] ?? {});
  const state = { waiting: { reason: hasInits ? 'PodInitializing' : 'ContainerCreating' } };
  return { ...status, state, lastState, ready: false, started: false };
}
