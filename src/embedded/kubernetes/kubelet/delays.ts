/** How long things take on the embedded node, in milliseconds; small, but long enough to be seen. */
export interface KubeletDelays {
  /** From a pod's creation to its place on the node. */
  scheduleMs: number;
  /** From a claim's creation to its volume. */
  provisionMs: number;
  /** A first pull of an image; the node keeps it afterwards. */
  pullMs: number;
  slowPullMs: number;
  /** Making and starting one container. */
  createMs: number;
  /** How long an init container runs. */
  initMs: number;
  /** From a container's start to its first successful startup probe, if it has one. */
  startupMs: number;
  /** From there to its first successful readiness probe. */
  readyMs: number;
  /** How long a container that fails runs. */
  failAfterMs: number;
  /** From a container's end to what follows from it. */
  settleMs: number;
  /** First pause after a crash or a failed pull; doubled each time, up to `backOffLimitMs`. */
  backOffMs: number;
  backOffLimitMs: number;
  /** One second of a probe's period; tests make it shorter. */
  probeSecondMs: number;
  /** From the wish to delete a pod to its end, or its grace period where that is shorter. */
  stopMs: number;
  /** How long a claim may stay unbound before the scheduler complains. */
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
