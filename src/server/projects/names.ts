/**
 * The names of a project's Kubernetes objects. They are chosen once and committed before the first call to Kubernetes. A
 * name exists once in a namespace, so there are never two pods on one volume.
 */

import { randomInt } from 'node:crypto';

const suffixAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

export function kubernetesNames(projectId: string): { podName: string; workspacePvcName: string } {
  const suffix = Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join('');
  return { podName: `project-${projectId}-${suffix}`, workspacePvcName: `workspace-${projectId}` };
}
