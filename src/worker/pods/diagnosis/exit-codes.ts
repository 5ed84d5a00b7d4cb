/** Describes in plain English how a container ended. */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import type { ContainerEnd } from '../kube/kubernetes-pod.ts';
import { isoTimeOf } from '../kube/kubernetes-time.ts';
import { evidenceOf } from './evidence.ts';

/** By signal number, as in `man 7 signal`. */
const signals: Record<number, string> = {
  1: 'was hung up (SIGHUP)',
  2: 'was interrupted',
  3: 'was asked to quit',
  4: 'ran an illegal instruction',
  6: 'aborted itself',
  7: 'crashed with a memory access error',
  8: 'crashed with an arithmetic error',
  9: 'was killed',
  11: 'crashed with a memory access error',
  13: 'wrote to a closed pipe',
  15: 'was asked to end',
};

/** For example "ended with exit code 1" or "ran out of memory and was killed (exit code 137)". */
export function describeExit(end: Pick<ContainerEnd, 'exitCode' | 'signal' | 'reason'>): string {
  const { exitCode, reason } = end;
  if (reason === 'OOMKilled') return `ran out of memory and was killed (exit code ${exitCode})`;
  if (isStartError(end)) return `could not be started (exit code ${exitCode})`;
  if (isNodeStop(end)) return 'was interrupted when its node stopped (exit code 255)';
  const signal = end.signal || (exitCode > 128 && exitCode < 160 ? exitCode - 128 : 0);
  if (signal) return `${signals[signal] ?? 'was ended'} (signal ${signal}, exit code ${exitCode})`;
  if (exitCode === 126) return 'could not run: its command is not executable (exit code 126)';
  if (exitCode === 127) return 'could not run: its command was not found (exit code 127)';
  if (exitCode === 0) return 'ended without an error (exit code 0)';
  return `ended with exit code ${exitCode}`;
}

/** Whether the container ended because its node stopped, so it is not to blame. */
export function isNodeStop({ exitCode, reason }: Pick<ContainerEnd, 'exitCode' | 'reason'>): boolean {
  return exitCode === 255 && reason === 'Unknown';
}

/** Whether the program never ran, because its command or its image is wrong. */
export function isStartError({ reason }: Pick<ContainerEnd, 'reason'>): boolean {
  return reason === 'StartError' || reason === 'ContainerCannotRun';
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
