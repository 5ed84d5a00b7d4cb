/** Reads the newest lines of a container's log, or says why they cannot be read. */

import type { LogLine, PodLogJob, PodLogResult } from '../../../shared/contract/pod-logs.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { toKubernetesError } from '../kube/kubernetes-error.ts';
import { parseLog } from './parse-log.ts';
import { noPreviousMessage, notStartedMessage, refusalMessage } from './refusal-message.ts';

const limitBytes = 256 * 1024;
/** The server waits a second longer. */
const timeLimitMs = 4_000;

export type ReadPodLog = (job: Omit<PodLogJob, 'replyTo'>) => Promise<PodLogResult>;

export function createReadPodLog({ kubernetes }: { kubernetes: Pick<KubernetesClient, 'readLog'> }): ReadPodLog {
  return async (job) => {
    const signal = AbortSignal.timeout(timeLimitMs);
    try {
      const log = await readNewest(kubernetes, job, signal);
      if (log) return { kind: 'log', ...log };
      return { kind: 'unavailable', message: job.previous ? noPreviousMessage(job) : notStartedMessage(job) };
    } catch (error) {
      return { kind: 'unavailable', message: refusalMessage(toKubernetesError(error), job) };
    }
  };
}

/**
 * Kubernetes counts the limit of bytes from the oldest line on. When the lines are too long for it, the newest ones are
 * missing. So fewer lines are read then, at most four times.
 */
async function readNewest(
  kubernetes: Pick<KubernetesClient, 'readLog'>,
  { podName, container, previous, tailLines, sinceTime }: Parameters<ReadPodLog>[0],
  signal: AbortSignal,
): Promise<{ lines: LogLine[]; truncated: boolean } | null> {
  let lines: LogLine[] = [];
  for (let tail = tailLines, isCut = true; isCut && tail > 0; tail = Math.floor(tail / 6)) {
    const log = await kubernetes.readLog(
      podName,
      { container, previous, tailLines: tail, sinceTime, limitBytes },
      signal,
    );
    if (!log) return null;
    ({ isCut } = log);
    lines = parseLog(log.text, log);
    if (!isCut) return { lines, truncated: lines.length >= tail };
  }
  return { lines, truncated: true };
}
