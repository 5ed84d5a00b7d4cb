/** How long each step may take before the diagnosis calls it slow or calls an administrator. Slow is not failed. */

import { timeOf } from '../kube/kubernetes-time.ts';

export const deadlines = {
  /** A pod that no scheduler has considered yet. */
  schedulingMs: 30_000,
  /** A scheduled pod about which its node reports nothing. */
  nodeSilentMs: 60_000,
  /** A node that an autoscaler has requested. cluster-autoscaler gives up after `--max-node-provision-time`, 15 minutes. */
  scaleUpMs: 15 * 60_000,
  /** Pods of lower priority that must end before the pod gets their place. Their grace period is 30 s unless set. */
  roomMs: 120_000,
  /** A program that holds the pod back, or that must confirm that the pod is ready. */
  foreignMs: 60_000,
  /** A pending claim without an event that says why. */
  volumeSilentMs: 60_000,
  /** A busy node reports mount failures in the first moments of a start. They count only when they last longer. */
  mountRetriesMs: 30_000,
  /** Volumes, network and containers, when nothing says what the node waits for. */
  preparingMs: 120_000,
  /** The volume is released by force six minutes after its node was lost (attach-detach controller). */
  multiAttachMs: 8 * 60_000,
  /** Setting the owner of the files in a volume. Hundreds of thousands of files take this long. */
  ownershipMs: 15 * 60_000,
  imagePullMs: 120_000,
  /** A pull that is so slow that somebody should look at the registry. */
  imageStuckMs: 15 * 60_000,
  /** An init container. Ours has a time limit for the clone. */
  initMs: 10 * 60_000,
  /** From the start of a container without a startup probe. The time of a startup probe is added. */
  containerStartMs: 60_000,
  /** A container that is to be started again. The kubelet waits at most five minutes (`MaxContainerBackOff`). */
  restartMs: 6 * 60_000,
  /** A program that refuses connections has not opened its port yet. */
  portClosedMs: 15_000,
  /** Added to the grace period of a pod that must end. */
  terminationMs: 30_000,
} as const;

/** Whether at least `limitMs` have passed since `from`; `false` when `from` is unknown. */
export function isOverdue(from: string | null | undefined, limitMs: number, now: number): boolean {
  const start = timeOf(from);
  return start !== null && now - start >= limitMs;
}

/** The ISO time of a deadline that is still in the future, otherwise `null`. */
export function deadlineAfter(from: string | null | undefined, limitMs: number, now: number): string | null {
  const start = timeOf(from);
  return start === null || start + limitMs <= now ? null : new Date(start + limitMs).toISOString();
}

/** The earliest of these ISO times, without those that are `null`. */
export function earliest(...times: (string | null)[]): string | null {
  return times.filter((time) => time !== null).toSorted()[0] ?? null;
}
