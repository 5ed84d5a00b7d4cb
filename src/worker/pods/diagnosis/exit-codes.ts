/** How a container ended, in words. */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import type { ContainerEnd } from '../kube/kubernetes-pod.ts';
import { isoOf, piece } from './pod-snapshot.ts';

const signals: Record<number, string> = {
  1: 'was hung up on',
  2: 'was interrupted',
  3: 'was told to quit',
  4: 'ran an illegal instruction',
  6: 'aborted itself',
  7: 'crashed by a memory access',
  8: 'crashed by a calculation',
  9: 'was killed',
  11: 'crashed by a memory access',
  13: 'wrote to a closed pipe',
  15: 'was asked to end',
};

/** "ended with exit code 1", "ran out of memory and was killed (exit code 137)" and the like. */
export function describeExit(end: Pick<ContainerEnd, 'exitCode' | 'signal' | 'reason'>): string {
  const { exitCode, reason } = end;
  if (reason === 'OOMKilled') return `ran out of memory and was killed (exit code ${exitCode})`;
  if (isStartError(end)) return `could not be started (exit code ${exitCode})`;
  if (exitCode === 255 && reason === 'Unknown') return 'was cut off when its node stopped (exit code 255)';
  const signal = end.signal || (exitCode > 128 && exitCode < 160 ? exitCode - 128 : 0);
  if (signal) {
    const words = signals[signal] ?? 'was ended';
    return `${words} (signal ${signal}, exit code ${exitCode})`;
  }
  if (exitCode === 126) return 'could not be run: its command is not executable (exit code 126)';
  if (exitCode === 127) return 'could not be run: its command was not found (exit code 127)';
  if (exitCode === 0) return 'ended without an error (exit code 0)';
  return `ended with exit code ${exitCode}`;
}

/** The program never ran: what it was started with is wrong. */
export function isStartError({ reason }: Pick<ContainerEnd, 'reason'>): boolean {
  return reason === 'StartError' || reason === 'ContainerCannotRun';
}

/** The end as Kubernetes tells it, with the container's last words where it left some. */
export function endPiece(container: string, end: ContainerEnd): Evidence {
  const facts = [`exit code ${end.exitCode}`, ...(end.signal ? [`signal ${end.signal}`] : [])].join(', ');
  return piece('container', container, end.message ? `${facts}: ${end.message}` : facts, {
    reason: end.reason ?? null,
    at: isoOf(end.finishedAt),
  });
}
