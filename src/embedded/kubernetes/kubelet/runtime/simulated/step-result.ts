/** Input and result of one step of a simulated container. */

import type { JsonObject } from '../../../api/kube-object.ts';
import type { KubeletDelays } from '../../delays.ts';
import type { StepEvent } from '../container-status.ts';
import type { Scenario } from './scenarios.ts';

/** What is not in the status of a container: the exact times of its current step. A restart of the kubelet loses it. */
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
  /** Whether another container of the pod is being pulled or created. They are started one after the other. */
  isNodeBusy: boolean;
  /** An init container runs before the others, and has to end. */
  isInit: boolean;
}

export interface StepResult {
  status: JsonObject;
  events: StepEvent[];
  /** After how long the next step is due; undefined: never. */
  retryAfterMs?: number | undefined;
  /** Whether this container is being pulled or created. */
  isBusy: boolean;
  /** Whether this step finished pulling the image. */
  hasPulled: boolean;
}

/** A result that lets other containers of the pod start. */
export const idle = (status: JsonObject, retryAfterMs?: number, events: StepEvent[] = []): StepResult => ({
  status,
  events,
  retryAfterMs,
  isBusy: false,
  hasPulled: false,
});

/** A result that keeps other containers of the pod from starting. */
export const busy = (status: JsonObject, retryAfterMs: number, events: StepEvent[] = []): StepResult => ({
  ...idle(status, retryAfterMs, events),
  isBusy: true,
});
