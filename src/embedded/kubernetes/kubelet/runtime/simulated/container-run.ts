/** The steps of a simulated container after its start: probes, exit, restart. */

import { isJsonObject, textAt, valueAt } from '../../../api/kube-object.ts';
import { backOffMs, normal, terminated, waiting, warning } from '../container-status.ts';
import { crashBackOffMessage, unhealthyMessage } from '../kubelet-messages.ts';
import { restart } from './container-start.ts';
import type { Scenario } from './scenarios.ts';
import { idle, type StepInput, type StepResult } from './step-result.ts';

/** A running container becomes started and ready, unless its scenario has a failure for it. */
export function stepRunning(input: StepInput): StepResult {
  const { container, status, memory, scenario, delays, nowMs } = input;
  // After a restart of the kubelet the status still has the start time, in whole seconds.
  const startedAtMs = (memory.startedAtMs ??= Date.parse(textAt(status, 'state', 'running', 'startedAt')) || nowMs);
  const ranMs = nowMs - startedAtMs;
  const { exit, failingProbe } = scenario;
  if (exit !== undefined && !(exit.onlyOnce === true && Number(status['restartCount'] ?? 0) > 0)) {
    const endsAfterMs = input.isInit ? delays.initMs : delays.failAfterMs;
    return ranMs >= endsAfterMs ? end(input, exit) : idle(status, endsAfterMs - ranMs);
  }
  // An init container without an exit runs on. It never becomes ready, so no further step is due.
  if (input.isInit) return idle(status);
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

/** A probe that fails in each period. At the failure threshold, a startup or liveness probe has the container killed. */
function failProbe(input: StepInput, kind: 'startup' | 'readiness' | 'liveness', startedAtMs: number): StepResult {
  const { container, status, memory, delays, nowMs, pod } = input;
  const probe = container[`${kind}Probe`];
  const periodMs = Number(valueAt(probe, 'periodSeconds') ?? 10) * delays.probeSecondMs;
  const dueMs = (memory.lastProbeFailureMs ?? startedAtMs) + periodMs;
  if (nowMs < dueMs) return idle(status, dueMs - nowMs);
  memory.lastProbeFailureMs = nowMs;
  memory.probeFailures += 1;
  const unhealthy = warning(
    'Unhealthy',
    unhealthyMessage(kind, probe, { ip: pod.ip, failure: input.scenario.probeFailure }),
  );
  if (kind === 'readiness' || memory.probeFailures < Number(valueAt(probe, 'failureThreshold') ?? 3)) {
    return idle(status, periodMs, [unhealthy]);
  }
  const killing = normal('Killing', `Container ${textAt(container, 'name')} failed ${kind} probe, will be restarted`);
  const ended = end(input, { code: 137, reason: 'Error' });
  return { ...ended, events: [unhealthy, killing, ...ended.events] };
}

function end(input: StepInput, exit: NonNullable<Scenario['exit']>): StepResult {
  const { status, memory, delays, nowMs } = input;
  memory.endedAtMs = nowMs;
  memory.startedAtMs = undefined;
  return idle(terminated(status, { ...exit, exitCode: exit.code, nowMs }), delays.settleMs);
}

/** A terminated container stays terminated, is restarted at once, or waits for its restart. */
export function stepTerminated(input: StepInput): StepResult {
  const { status, memory, delays, nowMs, restartPolicy } = input;
  const hasSucceeded = valueAt(status, 'state', 'terminated', 'exitCode') === 0;
  if (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && hasSucceeded)) return idle(status);
  const endedAtMs = (memory.endedAtMs ??= Date.parse(textAt(status, 'state', 'terminated', 'finishedAt')) || nowMs);
  const leftMs = endedAtMs + delays.settleMs - nowMs;
  if (leftMs > 0) return idle(status, leftMs);
  const restarts = Number(status['restartCount'] ?? 0);
  const lastState = valueAt(status, 'state') ?? {};
  // The first restart has no pause. The pause before each further one is longer.
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

/** A container in CrashLoopBackOff is restarted when its pause is over. */
export function stepCrashLoop(input: StepInput): StepResult {
  const { status, memory, delays, nowMs } = input;
  const since = (memory.waitingSinceMs ??=
    Date.parse(textAt(status, 'lastState', 'terminated', 'finishedAt')) || nowMs);
  const leftMs = since + backOffMs(delays, Number(status['restartCount'] ?? 1)) - nowMs;
  if (leftMs > 0) return idle(status, leftMs);
  return restart(input, { restartCount: Number(status['restartCount'] ?? 0) + 1 });
}
