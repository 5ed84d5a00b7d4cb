/**
 * The names of a project's Kubernetes objects. They are drawn once in a project's life and committed before the first
 * call: a name can exist once in a namespace, so there are never two pods on one volume.
 */

import { randomInt } from 'node:crypto';

const suffixAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** @param randomBelow a random whole number from 0 to below its argument */
export function kubernetesNames(
  projectId: string,
  randomBelow: (limit: number) => number = randomInt,
): { podName: string; workspacePvcName: string } {
  const suffix = Array.from({ length: 5 }, () => suffixAlphabet[randomBelow(suffixAlphabet.length)]).join('');
  return { podName: `project-${projectId}-${suffix}`, workspacePvcName: `workspace-${projectId}` };
}
