/** The pod of a project that runs and can be reached, with the credential that it accepts. */

import type { ProjectRecord } from '../db/project-record.ts';
import type { AccessKeys } from './credentials.ts';
import { isPodAddress } from './pod-address.ts';

export interface ReadyPod {
  /** Differs for each pod of the project. */
  podUid: string;
  /** The IP address of the pod. */
  address: string;
  /** The sidecar credential of the project. */
  credential: string;
}

/**
 * `state`: what the status of the project says. `simulated`: the pod runs only in the simulation of `npm start`.
 * `old-credentials`: the pod runs, with credentials that are not valid here.
 */
export type NotReadyCause = 'state' | 'simulated' | 'old-credentials';

export function readyPodOf(
  project: ProjectRecord,
  credentialOf: (project: ProjectRecord) => string | null,
): ReadyPod | NotReadyCause {
  const { podIp: address, podUid } = project;
  const isReady = project.status === 'ready' && project.desiredState === 'running';
  if (!isReady || address === null || podUid === null) return 'state';
  if (!isPodAddress(address)) return 'simulated';
  const credential = credentialOf(project);
  return credential === null ? 'old-credentials' : { podUid, address, credential };
}

/** The credential for the sidecars of a project's pod; `null` when the key that it was made with is not known here. */
export function sidecarCredentialOf(keys: AccessKeys, { id, accessKeyId }: ProjectRecord): string | null {
  return accessKeyId === null ? null : keys.credential('sidecar', { id, keyId: accessKeyId });
}
