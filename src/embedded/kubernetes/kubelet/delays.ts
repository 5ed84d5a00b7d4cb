/** How long things take on the embedded node, in milliseconds: short, but long enough for a person to notice. */

export interface KubeletDelays {
  /** From the creation of a pod to its binding to the node. */
  scheduleMs: number;
  /** From the creation of a claim to its volume. */
  provisionMs: number;
  /** The first pull of an image. After that the image is on the node. */
  pullMs: number;
  slowPullMs: number;
  /** Creating and starting one container. */
  createMs: number;
  /** How long an init container runs. */
  initMs: number;
  /** From a container's start to its first successful startup probe, if it has one. */
  startupMs: number;
  /** From there to its first successful readiness probe. */
  readyMs: number;
  /** How long a failing container runs. */
  failAfterMs: number;
  /** From the end of a container, or a failed pull, to the reaction. */
  settleMs: number;
  /** The first pause after a crash or a failed pull. It doubles each time, up to `backOffLimitMs`. */
  backOffMs: number;
  backOffLimitMs: number;
  /** The length of one second in the period of a probe. Tests make it shorter. */
  probeSecondMs: number;
  /** From the deletion request to the end of the pod, or its grace period if that is shorter. */
  stopMs: number;
  /** How long a claim may stay unbound before the scheduler reports it. */
  unboundTimeoutMs: number;
  heartbeatMs: number;
}

export const defaultDelays: KubeletDelays = {
  scheduleMs: 200,
  provisionMs: 150,
  pullMs: 350,
  slowPullMs: 60_000,
  createMs: 120,
  initMs: 300,
  startupMs: 400,
  readyMs: 250,
  failAfterMs: 1500,
  settleMs: 1000,
  backOffMs: 10_000,
  backOffLimitMs: 300_000,
  probeSecondMs: 1000,
  stopMs: 800,
  unboundTimeoutMs: 2000,
  heartbeatMs: 60_000,
};
