/** Requests to the Kubernetes API by their verb, and the answers with which it refuses them. */

import type { Fault, PassingRequest } from './faulty-kubernetes.ts';

export type Verb = 'GET' | 'LIST' | 'WATCH' | 'POST' | 'DELETE';
export type Plural = 'pods' | 'persistentvolumeclaims' | 'events' | 'secrets';

/** Whether a request is of this verb on this kind of object. */
export function isCall(verb: Verb, plural: Plural): (request: PassingRequest) => boolean {
  return ({ method, path, isWatch }) => {
    const segments = path.split('/');
    const named = segments.at(-2) === plural;
    if (!named && segments.at(-1) !== plural) return false;
    if (verb === 'LIST') return method === 'GET' && !named && !isWatch;
    if (verb === 'WATCH') return isWatch;
    return method === verb && (verb === 'POST' || named);
  };
}

/** What a Kubernetes API says when it refuses. */
export function refusal(code: number, reason: string, message: string, headers?: Record<string, string>) {
  return { status: code, body: statusObject(code, reason, message), ...(headers ? { headers } : {}) };
}

export function statusObject(code: number, reason: string, message: string) {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message };
}

/** A fault that waits until the test lets the request go on. */
export function gate() {
  type Decision = Awaited<Fault> | undefined;
  let open: (decision?: Decision) => void = () => undefined;
  const closed = new Promise<Decision>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}
