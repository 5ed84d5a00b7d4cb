/** How a scenario ends a whole pod some time after its containers have started. */

import { kubeTime, objectsAt, textAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import type { KubeletDelays } from '../../delays.ts';
import { scenarioOfContainer, type Scenario } from './scenarios.ts';

export interface ScriptedEnd {
  scenario: Scenario;
  /** In how many milliseconds it is due; 0 or less: now. */
  dueInMs: number;
}

/** The scripted end of a pod; undefined when its scenario has none, or when the container has not started yet. */
export function findScriptedEnd(
  pod: KubeObject,
  options: { containers: ReadonlyMap<string, JsonObject>; delays: KubeletDelays; nowMs: number },
): ScriptedEnd | undefined {
  const container = objectsAt(pod, 'spec', 'containers').findLast((spec) => {
    const { podEnd, nodeLost, leaves } = scenarioOfContainer(spec);
    return podEnd !== undefined || nodeLost === true || leaves !== undefined;
  });
  if (container === undefined) return undefined;
  const status = options.containers.get(textAt(container, 'name'));
  const startedAtMs = Date.parse(textAt(status, 'state', 'running', 'startedAt'));
  if (Number.isNaN(startedAtMs)) return undefined;
  const dueInMs = startedAtMs + 2 * options.delays.failAfterMs - options.nowMs;
  return { scenario: scenarioOfContainer(container), dueInMs };
}

/** The conditions of a pod that is evicted: as they were, with `DisruptionTarget`, which gives the reason. */
export function evictedConditions(
  status: JsonObject,
  { reason, message }: NonNullable<Scenario['leaves']>,
  nowMs: number,
): JsonObject[] {
  const disruption = { type: 'DisruptionTarget', status: 'True', reason, message, lastProbeTime: null };
  return [...objectsAt(status, 'conditions'), { ...disruption, lastTransitionTime: kubeTime(nowMs) }];
}

/** The conditions of a pod whose node no longer reports: as they were, and not ready. */
export function lostConditions(status: JsonObject, nowMs: number): JsonObject[] {
  return objectsAt(status, 'conditions').map((condition) =>
    condition['type'] === 'Ready'
      ? { type: 'Ready', status: 'False', lastProbeTime: null, lastTransitionTime: kubeTime(nowMs) }
      : condition,
  );
}
