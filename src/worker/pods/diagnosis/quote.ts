/** Reports about volumes, nodes and sandboxes: the status code in them, and how a message quotes one that no rule explains. */

import { quoted } from './report-text.ts';

/** What the volume manager, the storage drivers and the node put in front of what happened. */
const wrappers = [
  /^\(combined from similar events\):\s*/i,
  /^(?:failed to create pod sandbox|error creating pod sandbox|failed to prepare dynamic resources):\s*/i,
  /^\w+\.\w+ failed for volume "[^"]*"\s*:\s*/,
  /^failed to provision volume with StorageClass "[^"]*":\s*/i,
  /^kubernetes\.io\/[\w-]+:\s*/i,
  /^failed to schedule pod,\s*/i,
];

/** The status code of a remote call (gRPC), as in "rpc error: code = ResourceExhausted desc = …"; the innermost counts. */
export function statusCodeIn(text: string): string | null {
  return [...text.matchAll(/\bcode = (\w+) desc =/g)].at(-1)?.[1] ?? null;
}

/** A sentence that quotes Kubernetes, for a text that no rule explains. */
export function kubernetesReports(text: string): string {
  let rest = text.replace(/\s+/g, ' ').trim();
  for (const wrapper of wrappers) rest = rest.replace(wrapper, '');
  return quoted(rest) || 'Kubernetes does not say why.';
}
