/** Finds the pod whose files the owner of a project may see. */

import { AppError } from '../../shared/contract/errors.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import { readyPodOf, sidecarCredentialOf, type ReadyPod } from '../../shared/node/access/ready-pod.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { findOwnedProject } from '../../shared/node/db/projects-repository.ts';
import { projectNotFound } from '../projects/service.ts';
import type { Caller } from '../services.ts';
import { oldCredentials } from './pod-requests.ts';

/** @throws AppError NOT_FOUND; ILLEGAL_STATE while the pod cannot be reached, with the reason */
export type FindOpenPod = (caller: Caller, projectId: string) => Promise<ReadyPod>;

/** @param deps.keys `null` without ACCESS_SECRET */
export function createFindOpenPod({ db, keys }: { db: Database; keys: AccessKeys | null }): FindOpenPod {
  return async ({ user }, id) => {
    const project = await findOwnedProject(db, { id, ownerId: user.id });
    if (!project) throw projectNotFound();
    if (keys === null) {
      const message = 'Files are not available in this installation. An administrator has to set ACCESS_SECRET.';
      throw new AppError('UNSUPPORTED', message);
    }
    const pod = readyPodOf(project, (of) => sidecarCredentialOf(keys, of));
    if (typeof pod !== 'string') return pod;
    if (pod === 'old-credentials') throw oldCredentials();
    throw new AppError('ILLEGAL_STATE', pod === 'simulated' ? simulatedMessage : stateMessage(project));
  };
}

const simulatedMessage =
  'The embedded cluster of this installation only plays what pods do, so this project has no files. Use a real cluster, or a machine on which npm start can run pods as processes.';

function stateMessage({ status, desiredState }: ProjectRecord): string {
  if (status === 'archived' || desiredState === 'deleted') return 'The project is deleted. Its files are gone.';
  if (desiredState === 'stopped') return 'The project is stopped. Its files are kept. Start it to see them.';
  return 'The project is not ready. Its files appear when it runs.';
}
