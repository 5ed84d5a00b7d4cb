/** What a wish of the owner writes into the row: pure, so that every case can be tested without a database. */

import type { ActivityKind } from '../contract/activity.ts';
import { pendingFields, type ProjectCommand } from '../contract/commands.ts';
import { AppError } from '../contract/errors.ts';
import { projectCan } from '../contract/states.ts';
import type { ProjectRecord } from './db/project-record.ts';
import type { ProjectPatch } from './db/projects-repository.ts';

/** How each wish reads in the timeline. */
export const activityOfCommand = {
  stop: { kind: 'stop-requested', message: 'Asked to stop the project.' },
  start: { kind: 'start-requested', message: 'Asked to start the project.' },
  restart: { kind: 'restart-requested', message: 'Asked to restart the project.' },
  retry: { kind: 'retry-requested', message: 'Asked to try again.' },
  delete: { kind: 'delete-requested', message: 'Asked to delete the project.' },
} satisfies Record<ProjectCommand, { kind: ActivityKind; message: string }>;

/**
 * What to write for `wish`, or `null` when it is so already.
 * @param now an ISO time
 * @throws AppError ILLEGAL_STATE with the sentence of `projectCan`
 */
export function applyCommand(command: ProjectCommand, record: ProjectRecord, now: string): ProjectPatch | null {
  const permission = projectCan(command, record);
  if (permission.kind === 'already') return null;
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.message);

  const waiting = pendingFields(command, record.desiredState, now);
  const generation = record.generation + 1;
  // A start from a clean stop finds no pod or takes back the stop; everything else must not accept the pod that was.
  const needsNewPod =
    waiting.desiredState === 'running' && (command === 'restart' || command === 'retry' || record.status === 'error');
  return {
    ...waiting,
    generation,
    ...(needsNewPod ? { podGeneration: generation } : {}),
    failedGeneration: null,
    podErrorCode: null,
  };
}
