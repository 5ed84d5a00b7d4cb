/** What a wish of the owner writes into the row: pure, so that every case can be tested without a database. */
import type { ActivityKind } from '../../shared/contract/activity.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { projectCan } from '../../shared/contract/states.ts';
import { whileWished, type Wish } from '../../shared/contract/wishes.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../shared/node/db/projects-repository.ts';

/** How each wish reads in the timeline. */
export const activityOfWish = {
  stop: { kind: 'stop-requested', message: 'Asked to stop the project.' },
  start: { kind: 'start-requested', message: 'Asked to start the project.' },
  restart: { kind: 'restart-requested', message: 'Asked to restart the project.' },
  retry: { kind: 'retry-requested', message: 'Asked to try again.' },
  delete: { kind: 'delete-requested', message: 'Asked to delete the project.' },
} satisfies Record<Wish, { kind: ActivityKind; message: string }>;

/**
 * What to write for `wish`, or `null` when it is so already.
 * @param now an ISO time
 * @throws AppError ILLEGAL_STATE with the sentence of `projectCan`
 */
export function applyWish(wish: Wish, record: ProjectRecord, now: string): ProjectPatch | null {
  const permission = projectCan(wish, record);
  if (permission.kind === 'already') return null;
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.sentence);

  const waiting = whileWished(wish, record.desiredState, now);
  const generation = record.generation + 1;
  // A start from a clean stop finds no pod or takes back the stop; everything else must not accept the pod that was.
  const needsNewPod =
    waiting.desiredState === 'running' && (wish === 'restart' || wish === 'retry' || record.status === 'error');
  return {
    ...waiting,
    generation,
    ...(needsNewPod ? { podGeneration: generation } : {}),
    parkedGeneration: null,
    podErrorCode: null,
  };
}
