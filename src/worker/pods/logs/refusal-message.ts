/** Why a log cannot be read, in our own sentences. Kubernetes' text may name other objects, so it is never passed on. */

import type { KubernetesError } from '../kube/kubernetes-error.ts';

interface LogRequest {
  container: string;
  previous: boolean;
}

/** For a container that Kubernetes has not started yet. */
export function notStartedMessage({ container }: LogRequest): string {
  return `The container ${container} has not started yet. Its log appears when it starts.`;
}

/** @param error the refusal of a request for the log */
export function refusalMessage(error: KubernetesError, request: LogRequest): string {
  const { container } = request;
  switch (error.status) {
    case 400:
      return badRequestMessage(error.evidence[0]?.text ?? '', request);
    case 401:
      return 'The cluster does not accept the credentials of the worker. An administrator must renew them.';
    case 403:
      return 'The worker may not read logs in the cluster. An administrator must give it the verb "get" on "pods/log".';
    case 404:
      return 'The pod does not exist in the cluster now. The log appears when it has been created again.';
    case 429:
      return 'The cluster is busy and asks us to wait. The log can be read again soon.';
    case 0:
      return 'The cluster does not answer, so the log cannot be read. It can be read when the cluster answers again.';
    default:
      return `The cluster could not read the log of ${container}. The node of the pod may not answer.`;
  }
}

function badRequestMessage(text: string, request: LogRequest): string {
  const { container } = request;
  if (/previous terminated container/i.test(text)) return noPreviousMessage(request);
  if (/waiting to start|is not available|not yet/i.test(text)) return notStartedMessage(request);
  if (/is not valid for pod/i.test(text)) return `The pod has no container ${container} whose log can be read.`;
  return `The cluster cannot show the log of ${container} now.`;
}

/** For a container that has run only once, or whose earlier run the node has forgotten. */
export function noPreviousMessage({ container }: LogRequest): string {
  return `The container ${container} has no log of a previous run.`;
}
