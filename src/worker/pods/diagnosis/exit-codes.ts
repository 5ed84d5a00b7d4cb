/** Describes in plain English how a container ended. */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import type { ContainerEnd } from '../kube/kubernetes-pod.ts';
import { isoTimeOf } from '../kube/kubernetes-time.ts';
import { evidenceOf } from './evidence.ts';
import { meaningfulPart } from './report-text.ts';

/** By signal number, as in `man 7 signal`. */
const signals: Record<number, string> = {
  1: 'was hung up (SIGHUP)',
  2: 'was interrupted',
  3: 'was asked to quit',
  4: 'ran an instruction that the processor of its node does not know',
  6: 'aborted itself after an internal error',
  7: 'crashed with a memory access error',
  8: 'crashed with an arithmetic error',
  9: 'was killed from outside',
  11: 'crashed with a memory access error',
  13: 'wrote to a closed pipe',
  15: 'was asked to end',
  24: 'used more processor time than its limit allows',
  25: 'wrote a larger file than its limit allows',
  31: 'was ended because it made a system call that the security settings forbid',
};

/** For example "ended with exit code 1" or "ran out of memory and was killed (exit code 137)". */
export function describeExit(end: Pick<ContainerEnd, 'exitCode' | 'signal' | 'reason'>): string {
  const { exitCode, reason } = end;
  if (reason === 'OOMKilled') {
    // The kernel may kill a child process. The program then ends in its own way.
    return exitCode === 137
      ? 'ran out of memory and was killed (exit code 137)'
      : `ran out of memory: one of its processes was killed, and it ended with exit code ${exitCode}`;
  }
  if (isStartError(end)) return `could not be started (exit code ${exitCode})`;
  if (isInterruption(end)) return `was interrupted when its node or its runtime restarted (exit code ${exitCode})`;
  const signal = end.signal || (exitCode > 128 && exitCode < 160 ? exitCode - 128 : 0);
  if (signal) return `${signals[signal] ?? 'was ended'} (signal ${signal}, exit code ${exitCode})`;
  if (exitCode === 126) return 'could not run: its command is not executable (exit code 126)';
  if (exitCode === 127) return 'could not run: its command was not found (exit code 127)';
  if (exitCode === 0) return 'ended without an error (exit code 0)';
  return `ended with exit code ${exitCode}`;
}

/**
 * Whether the node or its runtime lost the container, so its program is not to blame. containerd reports 255 with `Unknown` after a
 * restart of the node. The kubelet reports `ContainerStatusUnknown` with an invented exit code (`kubelet_pods.go`).
 */
export function isInterruption({ exitCode, reason }: Pick<ContainerEnd, 'exitCode' | 'reason'>): boolean {
  return reason === 'ContainerStatusUnknown' || (exitCode === 255 && reason === 'Unknown');
}

/** Whether the program never ran, because its command or its image is wrong. */
export function isStartError({ reason }: Pick<ContainerEnd, 'reason'>): boolean {
  return reason === 'StartError' || reason === 'ContainerCannotRun';
}

/** What the program wrote last, or as its termination message: the line that names an error, or else the last one. */
export function lastWords({ message = '' }: Pick<ContainerEnd, 'message'>): string {
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.findLast((line) => /\b(?:\w*error|fatal|panic|exception|cannot|failed|denied)\b/i.test(line));
  return meaningfulPart(telling ?? lines.at(-1) ?? '').replaceAll('"', "'");
}

/** The exit code as Kubernetes reports it, with the container's termination message if it left one. */
export function evidenceOfExit(container: string, end: ContainerEnd): Evidence {
  const facts = [`exit code ${end.exitCode}`, ...(end.signal ? [`signal ${end.signal}`] : [])].join(', ');
  return evidenceOf({
    source: 'container',
    subject: container,
    text: end.message ? `${facts}: ${end.message}` : facts,
    reason: end.reason ?? null,
    at: isoTimeOf(end.finishedAt),
  });
}
