import { createHash } from 'node:crypto';

import { isJsonObject, kubeTime, textAt, valueAt, type JsonObject } from '../api/kube-object.ts';
import type { KubeletDelays } from './delays.ts';
import { crashBackOffMessage, pullBackOffMessage, unhealthyMessage } from './kubelet-words.ts';
import type { Situation } from './situations.ts';

/** What is known of a container beyond its status: precise times of what goes on just now. Lost in a restart. */
export interface ContainerMemory {
  pullingSinceMs?: number | undefined;
  creatingSinceMs?: number | undefined;
  startedAtMs?: number | undefined;
  endedAtMs?: number | undefined;
  waitingSinceMs?: number | undefined;
  pullFailures: number;
  lastProbeFailureMs?: number | undefined;
  probeFailures: number;
}

export interface StepInput {
  container: JsonObject;
  status: JsonObject;
  memory: ContainerMemory;
  situation: Situation;
  restartPolicy: string;
  pod: { name: string; namespace: string; uid: string; ip: string };
  delays: KubeletDelays;
  nowMs: number;
  /** Whether the node has the image already. */
  hasImage: boolean;
  /** Whether another container is being pulled or made; they are started one after the other. */
  isNodeBusy: boolean;
}

export interface StepEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

export interface StepResult {
  status: JsonObject;
  events: StepEvent[];
  /** After how long there is more to do. */
  againMs?: number | undefined;
  /** Whether this container is being pulled or made. */
  isBusy: boolean;
  /** Whether the image has come to the node. */
  hasPulled: boolean;
}

const idle = (status: JsonObject, againMs?: number, events: StepEvent[] = []): StepResult => ({
  status,
  events,
  againMs,
  isBusy: false,
  hasPulled: false,
});

const busy = (status: JsonObject, againMs: number, events: StepEvent[] = []): StepResult => ({
  ...idle(status, againMs, events),
  isBusy: true,
});

const normal = (reason: string, message: string): StepEvent => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): StepEvent => ({ type: 'Warning', reason, message });

/** The pause before the n-th repetition: the first pause, doubled each time up to the limit. */
export function backOffMs(delays: KubeletDelays, repetition: number): number {
  return Math.min(delays.backOffMs * 2 ** Math.max(0, Math.min(repetition, 20) - 1), delays.backOffLimitMs);
}

/**
 * One small step of one container's life: what its status is now, what there is to tell, and when to look again. What it
 * depends on is in its arguments (`memory` it also writes), and where the memory is lost the status alone is enough.
 */
export function stepContainer(input: StepInput): StepResult {
  const { status } = input;
  if (valueAt(status, 'state', 'running') !== undefined) return stepRunning(input);
  if (valueAt(status, 'state', 'terminated') !== undefined) return stepTerminated(input);
  switch (textAt(status, 'state', 'waiting', 'reason')) {
    case 'CrashLoopBackOff':
      return stepCrashLoop(input);
    case 'ErrImagePull':
      return stepPullFailed(input);
    case 'ImagePullBackOff':
      return stepPullBackOff(input);
    case 'CreateContainerConfigError':
      return idle(status);
    default:
      return input.isNodeBusy ? idle(status) : stepPull(input);
  }
}

function stepPull(input: StepInput): StepResult {
  const { status, memory, situation, delays, nowMs, hasImage } = input;
  const image = textAt(input.container, 'image');
  if (memory.creatingSinceMs !== undefined) return stepCreate(input);
  if (hasImage && textAt(input.container, 'imagePullPolicy') !== 'Always') {
    memory.creatingSinceMs = nowMs;
    return busy(status, delays.createMs, [normal('Pulled', `Container image "${image}" already present on machine`)]);
  }
  if (memory.pullingSinceMs === undefined) {
    memory.pullingSinceMs = nowMs;
    return busy(status, pullMs(input), [normal('Pulling', `Pulling image "${image}"`)]);
  }
  const takenMs = nowMs - memory.pullingSinceMs;
  if (takenMs < pullMs(input)) return busy(status, pullMs(input) - takenMs);
  memory.pullingSinceMs = undefined;
  if (situation.pull !== undefined && 'failure' in situation.pull) {
    memory.pullFailures += 1;
    memory.waitingSinceMs = nowMs;
    const { failure } = situation.pull;
    return idle(waiting(status, 'ErrImagePull', failure), delays.settleMs, [
      warning('Failed', `Failed to pull image "${image}": ${failure}`),
      warning('Failed', 'Error: ErrImagePull'),
    ]);
  }
  memory.creatingSinceMs = nowMs;
  const pulled = normal(
    'Pulled',
    `Successfully pulled image "${image}" in ${takenMs}ms (${takenMs}ms including waiting)`,
  );
  return { ...busy(status, delays.createMs, [pulled]), hasPulled: true };
}

function pullMs({ situation, delays }: StepInput): number {
  return situation.pull !== undefined && 'isSlow' in situation.pull ? delays.slowPullMs : delays.pullMs;
}

function stepCreate(input: StepInput): StepResult {
  const { status, memory, situation, delays, nowMs } = input;
  const leftMs = delays.createMs - (nowMs - (memory.creatingSinceMs ?? nowMs));
  if (leftMs > 0) return busy(status, leftMs);
  memory.creatingSinceMs = undefined;
  if (situation.createError !== undefined) {
    const { reason, message } = situation.createError;
    return idle(waiting(status, reason, message), undefined, [warning('Failed', `Error: ${message}`)]);
  }
  return start(input);
}

/** The container runs, for the first time or again. */
function start(input: StepInput, extra: JsonObject = {}, before: StepEvent[] = []): StepResult {
  const { container, status, memory, pod, nowMs } = input;
  const name = textAt(container, 'name');
  const image = textAt(container, 'image');
  memory.startedAtMs = nowMs;
  memory.endedAtMs = undefined;
  memory.probeFailures = 0;
  memory.lastProbeFailureMs = undefined;
  const restartCount = Number(extra['restartCount'] ?? status['restartCount'] ?? 0);
  const started = !isJsonObject(container['startupProbe']);
  const next: JsonObject = {
    ...status,
    ...extra,
    state: { running: { startedAt: kubeTime(nowMs) } },
    started,
    ready: started && !isJsonObject(container['readinessProbe']) && input.situation.failingProbe !== 'readiness',
    image,
    imageID: `sha256:${digest(image)}`,
    containerID: `containerd://${digest(`${pod.uid}/${name}/${restartCount}`)}`,
  };
  const events = [
    ...before,
    normal('Created', `Created container: ${name}`),
    normal('Started', `Started container ${name}`),
  ];
  return idle(next, 1, events);
}

function stepRunning(input: StepInput): StepResult {
  const { container, status, memory, situation, delays, nowMs } = input;
  // After a restart of the kubelet the status still says when the container started, to the second.
  const startedAtMs = (memory.startedAtMs ??= Date.parse(textAt(status, 'state', 'running', 'startedAt')) || nowMs);
  const ranMs = nowMs - startedAtMs;
  const { exit, failingProbe } = situation;
  if (exit !== undefined && !(exit.onlyOnce === true && Number(status['restartCount'] ?? 0) > 0)) {
    if (ranMs >= delays.failAfterMs) return end(input, exit.code, exit.reason);
    return idle(status, delays.failAfterMs - ranMs);
  }
  const startedAfterMs = isJsonObject(container['startupProbe']) ? delays.startupMs : 0;
  if (status['started'] !== true) {
    if (failingProbe === 'startup') return failProbe(input, 'startup', startedAtMs);
    if (ranMs < startedAfterMs) return idle(status, startedAfterMs - ranMs);
    return idle({ ...status, started: true, ready: !isJsonObject(container['readinessProbe']) }, 1);
  }
  if (status['ready'] !== true) {
    if (failingProbe === 'readiness') return failProbe(input, 'readiness', startedAtMs);
    const readyAfterMs = startedAfterMs + delays.readyMs;
    return ranMs < readyAfterMs ? idle(status, readyAfterMs - ranMs) : idle({ ...status, ready: true }, 1);
  }
  return failingProbe === 'liveness' ? failProbe(input, 'liveness', startedAtMs) : idle(status);
}

/** A probe that fails each period, and in the end has the container killed where it is not the readiness probe. */
function failProbe(input: StepInput, kind: 'startup' | 'readiness' | 'liveness', startedAtMs: number): StepResult {
  const { container, status, memory, delays, nowMs, pod } = input;
  const probe = container[`${kind}Probe`];
  const periodMs = Number(valueAt(probe, 'periodSeconds') ?? 10) * delays.probeSecondMs;
  const dueMs = (memory.lastProbeFailureMs ?? startedAtMs) + periodMs;
  if (nowMs < dueMs) return idle(status, dueMs - nowMs);
  memory.lastProbeFailureMs = nowMs;
  memory.probeFailures += 1;
  const unhealthy = warning('Unhealthy', unhealthyMessage(kind, probe, pod.ip));
  if (kind === 'readiness' || memory.probeFailures < Number(valueAt(probe, 'failureThreshold') ?? 3)) {
    return idle(status, periodMs, [unhealthy]);
  }
  const killing = normal('Killing', `Container ${textAt(container, 'name')} failed ${kind} probe, will be restarted`);
  const ended = end(input, 137, 'Error');
  return { ...ended, events: [unhealthy, killing, ...ended.events] };
}

function end(input: StepInput, exitCode: number, reason: string): StepResult {
  const { status, memory, delays, nowMs } = input;
  memory.endedAtMs = nowMs;
  memory.startedAtMs = undefined;
  return idle(terminated(status, { exitCode, reason, nowMs }), delays.settleMs);
}

/** The status of a container that has just ended. */
export function terminated(
  status: JsonObject,
  { exitCode, reason, nowMs }: { exitCode: number; reason: string; nowMs: number },
): JsonObject {
  return {
    ...status,
    state: {
      terminated: {
        exitCode,
        reason,
        startedAt: valueAt(status, 'state', 'running', 'startedAt') ?? kubeTime(nowMs),
        finishedAt: kubeTime(nowMs),
        containerID: status['containerID'],
      },
    },
    ready: false,
    started: false,
  };
}

function stepTerminated(input: StepInput): StepResult {
  const { status, memory, delays, nowMs, restartPolicy } = input;
  const endedWell = valueAt(status, 'state', 'terminated', 'exitCode') === 0;
  if (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && endedWell)) return idle(status);
  const endedAtMs = (memory.endedAtMs ??= Date.parse(textAt(status, 'state', 'terminated', 'finishedAt')) || nowMs);
  const leftMs = endedAtMs + delays.settleMs - nowMs;
  if (leftMs > 0) return idle(status, leftMs);
  const restarts = Number(status['restartCount'] ?? 0);
  const lastState = valueAt(status, 'state') ?? {};
  // The first restart comes at once; after that each one waits longer.
  if (restarts === 0) return restart(input, { lastState, restartCount: 1 });
  memory.waitingSinceMs = nowMs;
  const pauseMs = backOffMs(delays, restarts);
  const text = crashBackOffMessage(input.container, input.pod, pauseMs);
  return idle({ ...waiting(status, 'CrashLoopBackOff', text), lastState }, pauseMs, [
    warning(
      'BackOff',
      `Back-off restarting failed container ${textAt(input.container, 'name')} in pod ${input.pod.name}_${input.pod.namespace}(${input.pod.uid})`,
    ),
  ]);
}

function stepCrashLoop(input: StepInput): StepResult {
  const { status, memory, delays, nowMs } = input;
  const since = (memory.waitingSinceMs ??=
    Date.parse(textAt(status, 'lastState', 'terminated', 'finishedAt')) || nowMs);
  const leftMs = since + backOffMs(delays, Number(status['restartCount'] ?? 1)) - nowMs;
  if (leftMs > 0) return idle(status, leftMs);
  return restart(input, { restartCount: Number(status['restartCount'] ?? 0) + 1 });
}

function restart(input: StepInput, extra: JsonObject): StepResult {
  input.memory.waitingSinceMs = undefined;
  const pulled = normal('Pulled', `Container image "${textAt(input.container, 'image')}" already present on machine`);
  return start(input, extra, [pulled]);
}

function stepPullFailed(input: StepInput): StepResult {
  const { container, status, memory, delays, nowMs } = input;
  const since = (memory.waitingSinceMs ??= nowMs);
  if (nowMs - since < delays.settleMs) return idle(status, delays.settleMs - (nowMs - since));
  memory.waitingSinceMs = nowMs;
  const message = pullBackOffMessage(textAt(container, 'image'));
  return idle(waiting(status, 'ImagePullBackOff', message), backOffMs(delays, memory.pullFailures), [
    normal('BackOff', message),
    warning('Failed', 'Error: ImagePullBackOff'),
  ]);
}

function stepPullBackOff(input: StepInput): StepResult {
  const { status, memory, delays, nowMs } = input;
  const since = (memory.waitingSinceMs ??= nowMs);
  const leftMs = since + backOffMs(delays, Math.max(1, memory.pullFailures)) - nowMs;
  if (leftMs > 0 && memory.pullingSinceMs === undefined) return idle(status, leftMs);
  // It tries again; until it knows, it keeps the status that it has.
  return { ...stepPull(input), isBusy: false };
}

function waiting(status: JsonObject, reason: string, message: string): JsonObject {
  return { ...status, state: { waiting: { reason, message } }, ready: false, started: false };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
