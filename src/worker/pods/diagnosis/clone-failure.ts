/** What the init container that clones the repository has said in its last words. It never stops the pod. */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { piece } from './pod-snapshot.ts';

export const cloneContainer = 'clone-repository';

const causes: Record<string, string> = {
  'not-found': 'it was not found at this address',
  denied: 'its server asks for a sign-in',
  unreachable: 'its server could not be reached',
  timeout: 'it took too long',
  'no-space': 'the volume is too small for it',
};

/** `null` unless it says that the clone has failed. */
export function cloneFailure(pod: KubernetesPod): { words: string; evidence: Evidence } | null {
  const end = pod.status.initContainerStatuses.find(({ name }) => name === cloneContainer)?.state.terminated;
  const said = /^clone-failed: ?([\w-]+)?(?:: ?([^]*))?$/.exec(end?.message?.trim() ?? '');
  if (!end || !said) return null;
  const why = causes[said[1] ?? ''];
  return {
    words: `The repository could not be cloned${why === undefined ? '' : `: ${why}`}.`,
    evidence: piece('container', cloneContainer, said[2] ?? end.message, { reason: 'clone-failed' }),
  };
}
