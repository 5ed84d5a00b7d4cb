import { kubeTime, valueAt, type JsonObject } from '../api/kube-object.ts';
import type { KubeletDelays } from './delays.ts';
import type { Scenario } from './scenarios.ts';

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
  scenario: Scenario;
  restartPolicy: string;
  pod: { name: string; namespace: string; uid: string; ip: string };
  delays: KubeletDelays;
  nowMs: number;
  /** Whether the node has the image already. */
  hasImage: boolean;
  /** Whether another container is being pulled or made; they are started one after the other. */
  isNodeBusy: boolean;
  /** It runs before the others, and is to end. */
  isInit: boolean;
}

export interface StepEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** It tells of the pod rather than of a container. */
  isOfPod?: boolean;
}

export interface StepResult {
  status: JsonObject;
  events: StepEvent[];
  /** After how long there is more to do. */
  retryAfterMs?: number | undefined;
  /** Whether this container is being pulled or made. */
  isBusy: boolean;
  /** Whether the image has come to the node. */
  hasPulled: boolean;
}

/** Nothing to do but to look again. */
export const idle = (status: JsonObject, retryAfterMs?: number, events: StepEvent[] = []): StepResult => ({
  status,
  events,
  retryAfterMs,
  isBusy: false,
  hasPulled: false,
});

/** As long as this goes on, no other container is started. */
export const busy = (status: JsonObject, retryAfterMs: number, events: StepEvent[] = []): StepResult => ({
  ...idle(status, retryAfterMs, events),
  isBusy: true,
});

export const normal = (reason: string, message: string): StepEvent => ({ type: 'Normal', reason, message });
export const warning = (reason: string, message: string): StepEvent => ({ type: 'Warning', reason, message });

/** The pause before the n-th repetition: the first pause, doubled each time up to the limit. */
export function backOffMs(delays: KubeletDelays, repetition: number): number {
  return Math.min(delays.backOffMs * 2 ** Math.max(0, Math.min(repetition, 20) - 1), delays.backOffLimitMs);
}

/** A container that waits, and for what. */
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
