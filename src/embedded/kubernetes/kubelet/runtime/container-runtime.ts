/** What the pod worker needs from a container runtime. There are two: `simulated` and `process`. */

import type { JsonObject, KubeObject } from '../../api/kube-object.ts';
import type { StepEvent } from './container-status.ts';

export interface PodStep {
  status: JsonObject;
  events: { fieldPath: string | undefined; event: StepEvent }[];
  /** After how long the next step is due; undefined when only a change of the pod needs one. */
  retryAfterMs: number | undefined;
}

/** One call at a time is made for each pod. */
export interface ContainerRuntime<Step extends PodStep = PodStep> {
  /** Does what is due for the containers of a pod. Returns its new status. */
  step(pod: KubeObject): Promise<Step> | Step;
  /**
   * Ends the containers of a pod that is being deleted. It is called again until it returns a status: that of the pod after
   * the end of its containers. Until then it returns when to call it again.
   */
  stop(pod: KubeObject, graceMs: number): StopResult;
  /** Ends and forgets everything of a pod that is not in the API any more. */
  remove(uid: string): void;
}

export type StopResult = { retryAfterMs: number } | { status: JsonObject };
