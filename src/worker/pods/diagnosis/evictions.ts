/** Pods that the kubelet ended for the sake of the node, or because they exceeded a limit of their own. */

import type { Diagnosis } from './diagnosis.ts';
import { quoted } from './report-text.ts';

/** A cause without its evidence. */
export type EndCause = Pick<Diagnosis, 'state' | 'reason' | 'message' | 'nextStep'> & Partial<Pick<Diagnosis, 'actor'>>;

const newPodStarts = 'A new pod starts by itself.';

export const nodeShutdown: EndCause = {
  state: 'lost',
  reason: 'node-shutdown',
  message: 'The node (machine) of the project was shut down, and the pod with it.',
  nextStep: `${newPodStarts} It moves to another node.`,
};

/**
 * `pkg/kubelet/eviction/eviction_manager.go`. Evictions by the pod's own limits have no `DisruptionTarget`. Older clusters do not
 * set the condition either, so the text decides between the limits of the pod and a shortage of the node.
 * @param isOfNode whether the condition says that the node needed room
 */
export function evictionOf(message: string, isOfNode = false): EndCause {
  const own = isOfNode || nodeShortage(message) !== null ? null : ownLimit(message);
  if (own !== null) {
    return {
      state: 'failed',
      reason: 'evicted',
      message: `The pod was evicted from its node (machine) because ${own}.`,
      nextStep: `${newPodStarts} The files in the workspace are kept. It must use less, or an administrator must raise the limit.`,
    };
  }
  const shortage = nodeShortage(message);
  if (shortage === null) {
    return {
      state: 'failed',
      reason: 'evicted',
      message: `The pod was evicted from its node (machine). ${quoted(message)}`.trim(),
      nextStep: `${newPodStarts} The files in the workspace are kept. If it happens often, an administrator must find out why.`,
      actor: 'administrator',
    };
  }
  return {
    state: 'failed',
    reason: 'node-pressure',
    message: `The pod was evicted because its node (machine) ${shortage}.`,
    nextStep: `${newPodStarts} The files in the workspace are kept. If it happens often, an administrator must make room on the nodes.`,
  };
}

/** The three texts of `localStorageEviction`. They name a volume, a container or the whole pod. */
function ownLimit(message: string): string | null {
  if (!/\bexceed(?:s|ed)\b.*\blimit\b/i.test(message)) return null;
  const volume = /EmptyDir volume "?([^\s"]+)"?/i.exec(message)?.[1];
  if (volume !== undefined) return `its temporary storage (the volume "${volume}") grew over its limit`;
  const container = /^Container (\S+)/i.exec(message)?.[1];
  if (container !== undefined) return `the container ${container} used more temporary storage than its limit allows`;
  return /ephemeral|storage/i.test(message)
    ? 'it used more temporary storage than its limit allows'
    : 'it exceeded a limit of its own';
}

/** "The node was low on resource: memory." and, at the admission, "The node had condition: [MemoryPressure]." */
function nodeShortage(message: string): string | null {
  const resource =
    /low on resource: \[?([\w-]+)/i.exec(message)?.[1] ?? /had condition: \[([\w\s]+)\]/i.exec(message)?.[1];
  if (resource === undefined) return null;
  if (/memory/i.test(resource)) return 'was short of memory';
  if (/storage|disk|inodes|nodefs|imagefs/i.test(resource)) return 'was short of disk storage';
  if (/pid/i.test(resource)) return 'ran too many processes';
  return `was short of resources (${resource})`;
}
