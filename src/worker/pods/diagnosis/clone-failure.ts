/** Reads the termination message of the init container that clones the repository. A failed clone never stops the pod. */

import type { Actor, Evidence } from '../../../shared/contract/diagnosis.ts';
import type { KubernetesPod } from '../kube/kubernetes-pod.ts';
import { evidenceOf } from './evidence.ts';

export const cloneContainer = 'clone-repository';

interface Cause {
  /** The end of the sentence "The repository could not be cloned: …". */
  what: string;
  nextStep: string;
  actor: Actor;
}

const correctUrl = 'Correct the repository URL and restart, or clone the repository yourself in the workspace.';
const byOwner = (what: string, nextStep = correctUrl): Cause => ({ what, nextStep, actor: 'owner' });
const restartLater = 'Restart the project later: the next start tries again.';

/** By the cause in the termination message `clone-failed: <cause>: <output of git>`, which `workspace-script.ts` writes. */
const causes: Record<string, Cause> = {
  'not-found': byOwner('it was not found at this address'),
  denied: byOwner(
    'its server requires a sign-in',
    'Correct the repository URL and restart. A private repository you can clone yourself in the workspace, with your own key.',
  ),
  refused: byOwner('its server refused the request'),
  'no-repository': byOwner('there is no git repository at this address, but something else, such as a web page'),
  'rate-limited': byOwner('its server accepts no more requests for now', restartLater),
  'server-error': byOwner('its server has a problem of its own', restartLater),
  unreachable: byOwner(
    'its server could not be reached',
    'Check the repository URL. If it is right, restart the project later: the next start tries again.',
  ),
  timeout: byOwner(
    'it took too long',
    'Restart the project to try again. If it takes too long again, clone a part of it yourself in the workspace.',
  ),
  interrupted: byOwner('the connection broke while it was received', restartLater),
  'no-space': byOwner(
    'it does not fit on the volume',
    'Clone a part of it yourself in the workspace, or use a project with a larger volume.',
  ),
  'no-checkout': byOwner(
    'it has a file with a name that the file system does not accept',
    'Rename the file in the repository and restart the project.',
  ),
  'no-memory': {
    what: 'git needs more memory than its container has',
    nextStep: 'An administrator has to give projects more memory. Then restart the project.',
    actor: 'administrator',
  },
  untrusted: {
    what: 'the certificate or key of its server is not trusted',
    nextStep:
      'An administrator has to name the authority of the server in GIT_CA_CONFIG_MAP. Then restart the project.',
    actor: 'administrator',
  },
};

/** `null` unless the container reported that the clone failed. */
export function cloneFailure(
  pod: KubernetesPod,
): { message: string; nextStep: string; actor: Actor; evidence: Evidence } | null {
  const end = pod.status.initContainerStatuses.find(({ name }) => name === cloneContainer)?.state.terminated;
  const match = /^clone-failed: ?([\w-]+)?(?:: ?([^]*))?$/.exec(end?.message?.trim() ?? '');
  if (!end || !match) return null;
  const cause = causes[match[1] ?? ''];
  return {
    message: `The repository could not be cloned${cause === undefined ? '' : `: ${cause.what}`}.`,
    nextStep: cause?.nextStep ?? correctUrl,
    actor: cause?.actor ?? 'owner',
    evidence: evidenceOf({
      source: 'container',
      subject: cloneContainer,
      text: match[2] ?? end.message,
      reason: 'clone-failed',
    }),
  };
}
