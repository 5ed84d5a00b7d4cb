/** Reports about volumes, nodes and sandboxes: the status code in them, and how a message quotes one that no rule explains. */

import { quoted } from './report-text.ts';

/** What the volume manager, the storage drivers, the node and its network put in front of what happened. */
const wrappers = [
  /^\(combined from similar events\):\s*/i,
  /^(?:failed (?:to )?create pod sandbox|error creating pod sandbox|(?:failed to )?prepare dynamic resources|unable to ensure pod container exists):\s*/i,
  /^(?:rpc error: )?code = \w+ desc = /i,
  /^\w+\.\w+ (?:initialization )?failed for volume "[^"]*"\s*:\s*/,
  /^failed to provision volume with StorageClass "[^"]*":\s*/i,
  /^kubernetes\.io\/[\w-]+:\s*/i,
  /^failed to schedule pod,\s*/i,
  // k8s.io/mount-utils `mount_linux.go`: the command is known, its output says what happened.
  /^mount failed: (?:exit status \d+|\w+) Mounting command: .*? Output: /,
  // kuberuntime_manager.go: `error killing pod: [failed to "KillPodSandbox" for "…" with KillPodSandboxError: "…"]`.
  /^error killing pod:\s*/i,
  /^\[?failed to "\w+" for "[^"]*" with \w+:\s*"?/,
  /^failed to (?:destroy|remove|teardown) network for sandbox "[^"]*":\s*/i,
  /^\[?failed to set ?up (?:network for )?sandbox (?:container )?"[^"]*"(?: network for pod "[^"]*")?:\s*/i,
  /^NetworkPlugin \w+ failed to set up pod "[^"]*" network:\s*/i,
  /^failed to create pod network sandbox [^:]*:\s*/i,
  /^error adding pod \S+ to CNI network "[^"]*":\s*/i,
  /^plugin type="[^"]*"(?: name="[^"]*")? failed \(\w+\):\s*/i,
];

/** What happened, without the steps on the way to it. */
export function withoutWrappers(text: string): string {
  let rest = text.replaceAll('\\"', '"').replace(/\s+/g, ' ').trim();
  for (let before = ''; before !== rest;) {
    before = rest;
    for (const wrapper of wrappers) rest = rest.replace(wrapper, '');
  }
  return rest.replace(/"\]$/, '');
}

/** The status code of a remote call (gRPC), as in "rpc error: code = ResourceExhausted desc = …"; the innermost counts. */
export function statusCodeIn(text: string): string | null {
  return [...text.matchAll(/\bcode = (\w+) desc =/g)].at(-1)?.[1] ?? null;
}

/** A sentence that quotes Kubernetes, for a text that no rule explains. */
export function kubernetesReports(text: string): string {
  return quoted(withoutWrappers(text)) || 'Kubernetes does not say why.';
}
