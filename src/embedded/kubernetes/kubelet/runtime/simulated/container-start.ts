/** The steps of a simulated container up to its start: mount, pull, create, start. */

import { createHash } from 'node:crypto';

import { isJsonObject, kubeTime, textAt, type JsonObject } from '../../../api/kube-object.ts';
import { backOffMs, normal, waiting, warning, type StepEvent } from '../container-status.ts';
import { pullBackOffMessage } from '../kubelet-messages.ts';
import { busy, idle, type StepInput, type StepResult } from './step-result.ts';

/** One step from pulling the image to the running container. */
export function stepPull(input: StepInput): StepResult {
  const { status, memory, scenario, delays, nowMs, hasImage } = input;
  const image = textAt(input.container, 'image');
  if (memory.creatingSinceMs !== undefined) return stepCreate(input);
  if (scenario.mount !== undefined) {
    const { reason, message } = scenario.mount;
    // The node tries again and again and reports every failure.
    const dueMs = (memory.waitingSinceMs ?? -Infinity) + delays.settleMs * 4;
    if (nowMs < dueMs) return busy(status, dueMs - nowMs);
    memory.waitingSinceMs = nowMs;
    return busy(status, delays.settleMs * 4, [{ type: 'Warning', reason, message, isOfPod: true }]);
  }
  if (hasImage && scenario.pull === undefined && textAt(input.container, 'imagePullPolicy') !== 'Always') {
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
  if (scenario.pull !== undefined && 'failure' in scenario.pull) {
    memory.pullFailures += 1;
    memory.waitingSinceMs = nowMs;
    const { failure } = scenario.pull;
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

function pullMs({ scenario, delays }: StepInput): number {
  return scenario.pull !== undefined && 'isSlow' in scenario.pull ? delays.slowPullMs : delays.pullMs;
}

function stepCreate(input: StepInput): StepResult {
  const { status, memory, scenario, delays, nowMs } = input;
  const leftMs = delays.createMs - (nowMs - (memory.creatingSinceMs ?? nowMs));
  if (leftMs > 0) return busy(status, leftMs);
  memory.creatingSinceMs = undefined;
  if (scenario.createError !== undefined) {
    const { reason, message } = scenario.createError;
    return idle(waiting(status, reason, message), undefined, [warning('Failed', `Error: ${message}`)]);
  }
  return start(input);
}

/** Starts a container again. The image is on the node. */
export function restart(input: StepInput, extra: JsonObject): StepResult {
  input.memory.waitingSinceMs = undefined;
  const pulled = normal('Pulled', `Container image "${textAt(input.container, 'image')}" already present on machine`);
  return start(input, extra, [pulled]);
}

/** The container runs from now on. */
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
  const running: JsonObject = {
    ...status,
    ...extra,
    state: { running: { startedAt: kubeTime(nowMs) } },
    started,
    ready: started && !isJsonObject(container['readinessProbe']) && input.scenario.failingProbe !== 'readiness',
    image,
    imageID: `sha256:${digest(image)}`,
    containerID: `containerd://${digest(`${pod.uid}/${name}/${restartCount}`)}`,
  };
  const events = [
    ...before,
    normal('Created', `Created container: ${name}`),
    normal('Started', `Started container ${name}`),
  ];
  return idle(running, 1, events);
}

/** The status shows ErrImagePull for a moment, then ImagePullBackOff. */
export function stepPullFailed(input: StepInput): StepResult {
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

/** Waits for the next attempt to pull, then pulls. */
export function stepPullBackOff(input: StepInput): StepResult {
  const { status, memory, delays, nowMs } = input;
  const since = (memory.waitingSinceMs ??= nowMs);
  const leftMs = since + backOffMs(delays, Math.max(1, memory.pullFailures)) - nowMs;
  if (leftMs > 0 && memory.pullingSinceMs === undefined) return idle(status, leftMs);
  // The status stays ImagePullBackOff until the attempt has ended.
  return { ...stepPull(input), isBusy: false };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
