/** What a command of the owner writes to the row: a pure function, so that every case is tested without a database. */

import type { ActivityKind } from '../contract/activity.ts';
import { pendingFields, type ProjectCommand } from '../contract/commands.ts';
import { AppError } from '../contract/errors.ts';
import { projectCan } from '../contract/states.ts';
import type { ProjectRecord } from './db/project-record.ts';
import type { ProjectPatch } from './db/projects-repository.ts';

/** The timeline entry of each command. */
export const activityOfCommand = {
  stop: { kind: 'stop-requested', message: 'Requested to stop the project.' },
  start: { kind: 'start-requested', message: 'Requested to start the project.' },
  restart: { kind: 'restart-requested', message: 'Requested to restart the project.' },
  retry: { kind: 'retry-requested', message: 'Requested another attempt.' },
  trash: { kind: 'trash-requested', message: 'Moved the project to the trash.' },
  restore: { kind: 'restore-requested', message: 'Restored the project from the trash.' },
  delete: { kind: 'delete-requested', message: 'Requested to delete the project.' },
} satisfies Record<ProjectCommand, { kind: ActivityKind; message: string }>;

/**
 * The patch for `command`, or `null` when the command would change nothing.
 * @param now an ISO time
 * @throws AppError ILLEGAL_STATE with the message of `projectCan`
 */
export function applyCommand(command: ProjectCommand, record: ProjectRecord, now: string): ProjectPatch | null {
  const permission = projectCan(command, record);
  if (permission.kind === 'already') return null;
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.message);

  const pending = pendingFields(command, record, now);
  // A project that leaves the trash stays stopped, so the cluster has nothing to do.
  const generation = pending.status === 'stopped' ? record.generation : record.generation + 1;
  // A start after a clean stop finds no pod, or revokes the stop. Every other command must not accept the old pod.
  const needsNewPod =
    pending.desiredState === 'running' && (command === 'restart' || command === 'retry' || record.status === 'error');
  return {
    ...pending,
    generation,
    ...(command === 'trash' ? { trashSeconds: 0 } : {}),
    ...(needsNewPod ? { podGeneration: generation } : {}),
    failedGeneration: null,
    podErrorCode: null,
    unfinishedAttempts: 0,
  };
}
