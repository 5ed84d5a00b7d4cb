/** Reads the termination message of the init container that clones the repository. A failed clone never stops the pod. */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { evidenceOf } from './evidence.ts';

export const cloneContainer = 'clone-repository';

/** By the cause in the termination message `clone-failed: <cause>: <output of git>`, which `workspace-script.ts` writes. */
const causes: Record<string, string> = {
  'not-found': 'it was not found at this address',
  denied: 'its server requires a sign-in',
  unreachable: 'its server could not be reached',
  timeout: 'it took too long',
  'no-space': 'it does not fit on the volume',
};

/** `null` unless the container reported that the clone failed. */
export function cloneFailure(pod: KubernetesPod): { message: string; evidence: Evidence } | null {
  const end = pod.status.initContainerStatuses.find(({ name }) => name === cloneContainer)?.state.terminated;
  const match = /^clone-failed: ?([\w-]+)?(?:: ?([^]*))?$/.exec(end?.message?.trim() ?? '');
  if (!end || !match) return null;
  const cause = causes[match[1] ?? ''];
  return {
    message: `The repository could not be cloned${cause === undefined ? '' : `: ${cause}`}.`,
    evidence: evidenceOf({
      source: 'container',
      subject: cloneContainer,
      text: match[2] ?? end.message,
      reason: 'clone-failed',
    }),
  };
}
