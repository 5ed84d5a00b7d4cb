/** Counts the results of a probe, as the kubelet does. */

import { isJsonObject, valueAt, type Json, type JsonObject } from '../../../api/kube-object.ts';

export interface ProbeSettings {
  initialDelayMs: number;
  periodMs: number;
  timeoutMs: number;
  successThreshold: number;
  failureThreshold: number;
}

/** The settings of a probe with the defaults of Kubernetes; undefined when there is no probe. */
export function probeSettings(probe: Json | undefined, secondMs: number): ProbeSettings | undefined {
  if (!isJsonObject(probe)) return undefined;
  const number = (name: string, fallback: number): number => Number(valueAt(probe, name) ?? fallback) || fallback;
  return {
    initialDelayMs: number('initialDelaySeconds', 0) * secondMs,
    periodMs: number('periodSeconds', 10) * secondMs,
    timeoutMs: number('timeoutSeconds', 1) * 1000,
    successThreshold: number('successThreshold', 1),
    failureThreshold: number('failureThreshold', 3),
  };
}

export interface ProbeState {
  /** The last result that has reached its threshold; `unknown` before. */
  result: 'unknown' | 'success' | 'failure';
  successes: number;
  failures: number;
}

export const newProbeState: ProbeState = { result: 'unknown', successes: 0, failures: 0 };

export function countResult(state: ProbeState, isSuccess: boolean, settings: ProbeSettings): ProbeState {
  const successes = isSuccess ? state.successes + 1 : 0;
  const failures = isSuccess ? 0 : state.failures + 1;
  if (successes >= settings.successThreshold) return { result: 'success', successes, failures };
  if (failures >= settings.failureThreshold) return { result: 'failure', successes, failures };
  return { result: state.result, successes, failures };
}

/** What the probes of a container say at one time. Without a probe of a kind, that kind counts as a success. */
export interface Health {
  isStarted: boolean;
  isReady: boolean;
  /** The probe because of which the container has to be restarted. */
  failed?: 'startup' | 'liveness';
}

export const healthWithoutProbes = (container: JsonObject): Health => {
  const isStarted = !isJsonObject(container['startupProbe']);
  return { isStarted, isReady: isStarted && !isJsonObject(container['readinessProbe']) };
};
