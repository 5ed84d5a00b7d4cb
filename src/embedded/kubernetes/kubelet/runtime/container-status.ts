/** The status of a container and the events about it, as every container runtime writes them. */

import { kubeTime, objectsAt, textAt, valueAt, type JsonObject, type KubeObject } from '../../api/kube-object.ts';
import type { KubeletDelays } from '../delays.ts';

export interface StepEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** The event is about the pod, not about the container. */
  isOfPod?: boolean;
}

export const normal = (reason: string, message: string): StepEvent => ({ type: 'Normal', reason, message });
export const warning = (reason: string, message: string): StepEvent => ({ type: 'Warning', reason, message });

/** The pause before the n-th repetition. It doubles each time, up to the limit. */
export function backOffMs(delays: Pick<KubeletDelays, 'backOffMs' | 'backOffLimitMs'>, repetition: number): number {
  return Math.min(delays.backOffMs * 2 ** Math.max(0, Math.min(repetition, 20) - 1), delays.backOffLimitMs);
}

/** The status of a waiting container. */
export function waiting(status: JsonObject, reason: string, message: string): JsonObject {
  return { ...status, state: { waiting: { reason, message } }, ready: false, started: false };
}

/** The status of a container that has just ended. */
export function terminated(
  status: JsonObject,
  {
    exitCode,
    reason,
    message,
    nowMs,
  }: { exitCode: number; reason: string; message?: string | undefined; nowMs: number },
): JsonObject {
  return {
    ...status,
    state: {
      terminated: {
        exitCode,
        reason,
        ...(message === undefined ? {} : { message }),
        startedAt: valueAt(status, 'state', 'running', 'startedAt') ?? kubeTime(nowMs),
        finishedAt: kubeTime(nowMs),
        containerID: status['containerID'],
      },
    },
    ready: false,
    started: false,
  };
}

/** `spec.containers{opencode-server}`: how an event names the container that it is about. */
export function containerPath(name: string, isInit: boolean): string {
  return `spec.${isInit ? 'initContainers' : 'containers'}{${name}}`;
}

export const isRunning = (status: JsonObject): boolean => valueAt(status, 'state', 'running') !== undefined;

export const hasSucceeded = (status: JsonObject): boolean => valueAt(status, 'state', 'terminated', 'exitCode') === 0;

/** The containers of a pod that run, with the path by which events name them. */
export function runningContainers(pod: KubeObject): { name: string; path: string }[] {
  const listed = (list: string, isInit: boolean) =>
    objectsAt(pod, 'status', list)
      .filter(isRunning)
      .map((status) => textAt(status, 'name'))
      .map((name) => ({ name, path: containerPath(name, isInit) }));
  return [...listed('initContainerStatuses', true), ...listed('containerStatuses', false)];
}
