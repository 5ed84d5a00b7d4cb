/** The runtime without processes: containers take the steps of their scenario. Every decision follows from the status. */

import type { Clock } from '../../../../../shared/clock.ts';
import { objectsAt, textAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import type { KubeletDelays } from '../../delays.ts';
import { podStatusOf } from '../../pod-status.ts';
import type { ContainerRuntime } from '../container-runtime.ts';
import { isRunning, terminated } from '../container-status.ts';
import { stepPod, type SimulatedStep } from './pod-step.ts';
import type { ContainerMemory } from './step-result.ts';

interface PodMemory {
  containers: Map<string, ContainerMemory>;
  stoppingSinceMs?: number;
}

export function createSimulatedRuntime(deps: {
  clock: Clock;
  delays: KubeletDelays;
  addressOf: (uid: string) => string;
}): ContainerRuntime<SimulatedStep> {
  const { clock, delays, addressOf } = deps;
  const memories = new Map<string, PodMemory>();
  const images = new Set<string>();

  function memoryOf({ metadata: { uid } }: KubeObject): PodMemory {
    const memory = memories.get(uid) ?? { containers: new Map() };
    memories.set(uid, memory);
    return memory;
  }

  return {
    step: (pod) => stepPod({ pod, memories: memoryOf(pod).containers, images, delays, addressOf, nowMs: clock.now() }),
    stop(pod, graceMs) {
      const nowMs = clock.now();
      const stoppingSinceMs = (memoryOf(pod).stoppingSinceMs ??= nowMs);
      const retryAfterMs = stoppingSinceMs + Math.min(delays.stopMs, graceMs) - nowMs;
      return retryAfterMs > 0
        ? { retryAfterMs }
        : { status: stoppedStatus(pod, { nowMs, ip: addressOf(pod.metadata.uid) }) };
    },
    remove: (uid) => void memories.delete(uid),
  };
}

/** The status of a pod whose containers have all been stopped. An init container that is interrupted fails. */
function stoppedStatus(pod: KubeObject, { nowMs, ip }: { nowMs: number; ip: string }): JsonObject {
  const stopped =
    (exit: { exitCode: number; reason: string }) =>
    (status: JsonObject): JsonObject =>
      isRunning(status) ? terminated(status, { ...exit, nowMs }) : status;
  const inits = objectsAt(pod, 'status', 'initContainerStatuses').map(stopped({ exitCode: 143, reason: 'Error' }));
  const statuses = objectsAt(pod, 'status', 'containerStatuses').map(stopped({ exitCode: 0, reason: 'Completed' }));
  const containers = new Map(statuses.map((status) => [textAt(status, 'name'), status]));
  return podStatusOf(pod, { inits, containers, ip }, nowMs);
}
