/** Matches requests to the Kubernetes API by verb and resource, and makes its error answers. */

import type { Fault, PassingRequest } from './faulty-kubernetes.ts';

export type Verb = 'GET' | 'LIST' | 'WATCH' | 'POST' | 'DELETE';
export type Plural = 'pods' | 'persistentvolumeclaims' | 'events' | 'secrets' | 'pods/log';

/** Returns a predicate for requests with this verb on this resource. */
export function isCall(verb: Verb, plural: Plural): (request: PassingRequest) => boolean {
  return ({ method, path, isWatch }) => {
    const segments = path.split('/');
    if (plural === 'pods/log') return method === verb && segments.at(-3) === 'pods' && segments.at(-1) === 'log';
    const named = segments.at(-2) === plural;
    if (!named && segments.at(-1) !== plural) return false;
    if (verb === 'LIST') return method === 'GET' && !named && !isWatch;
    if (verb === 'WATCH') return isWatch;
    return method === verb && (verb === 'POST' || named);
  };
}

/** Whether the request names this project, in its path or its body. */
export const isAbout = ({ path, body }: PassingRequest, projectId: string) =>
  path.includes(projectId) || body.includes(projectId);

/** An error answer of the Kubernetes API. */
export function refusal(code: number, reason: string, message: string, headers?: Record<string, string>) {
  return { status: code, body: statusObject(code, reason, message), ...(headers ? { headers } : {}) };
}

export function statusObject(code: number, reason: string, message: string) {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

/** A fault that holds a request back until the test calls `open`. */
export function gate() {
  type Decision = Awaited<Fault> | undefined;
  let open: (decision?: Decision) => void = () => undefined;
  const closed = new Promise<Decision>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}
