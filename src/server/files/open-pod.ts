/** Finds the pod of a project for somebody who has a right in it. */

import { AppError } from '../../shared/contract/errors.ts';
import type { AccessKeys } from '../../shared/node/access/credentials.ts';
import { readyPodOf, sidecarCredentialOf, type ReadyPod } from '../../shared/node/access/ready-pod.ts';
import type { Database } from '../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import { recordUse } from '../../shared/node/db/project-use-repository.ts';
import { findPermittedProject } from '../../shared/node/db/projects-repository.ts';
import { projectNotFound } from '../projects/service.ts';
import type { ProjectCaller } from '../services.ts';
import { oldCredentials } from './pod-requests.ts';

/**
 * Somebody who changes files uses the project, so it is not idle.
 * @throws AppError NOT_FOUND; FORBIDDEN; UNSUPPORTED where there never are files; ILLEGAL_STATE while the pod cannot be reached, with the reason
 */
export type FindOpenPod = (caller: Pick<ProjectCaller, 'user' | 'right'>, projectId: string) => Promise<ReadyPod>;

/** @param deps.keys `null` without ACCESS_SECRET */
export function createFindOpenPod({ db, keys }: { db: Database; keys: AccessKeys | null }): FindOpenPod {
  return async ({ user, right }, id) => {
    const project = await findPermittedProject(db, { id, userId: user.id, right });
    if (!project) throw projectNotFound();
    if (keys === null) {
      const message = 'Files are not available in this installation. An administrator has to set ACCESS_SECRET.';
      throw new AppError('UNSUPPORTED', message);
    }
    const pod = readyPodOf(project, (of) => sidecarCredentialOf(keys, of));
    if (typeof pod !== 'string') {
      if (right === 'files.write') await recordUse(db, id);
      return pod;
    }
    if (pod === 'old-credentials') throw oldCredentials();
    if (pod === 'simulated') throw new AppError('UNSUPPORTED', simulatedMessage);
    throw new AppError('ILLEGAL_STATE', stateMessage(project));
  };
}

const simulatedMessage =
  'This project is simulated: no program runs in its pod, so it has no files. Use a real cluster, or run npm start on a machine where pods can run as processes.';

function stateMessage({ status, desiredState, trashedAt }: ProjectRecord): string {
  if (status === 'archived' || desiredState === 'deleted') return 'The project is deleted. Its files are gone.';
  if (trashedAt !== null) return 'The project is in the trash. Its files are kept. Restore and start it to see them.';
  if (desiredState === 'stopped') return 'The project is stopped. Its files are kept. Start it to see them.';
  return 'The project is not ready. Its files appear when it runs.';
}
