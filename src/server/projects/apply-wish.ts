/** What a wish of the owner writes into the row: pure, so that every case can be tested without a database. */
import type { ActivityKind } from '../../shared/contract/activity.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { startAsked } from '../../shared/contract/explain/start-progress.ts';
import { projectJobAttempts } from '../../shared/contract/jobs.ts';
import { projectCan, type DesiredState, type ProjectAction } from '../../shared/contract/states.ts';
import type { ProjectRecord } from '../../shared/node/db/project-record.ts';
import type { ProjectPatch } from '../../shared/node/db/projects-repository.ts';

/** The actions that ask the cluster for something. */
export type Wish = Exclude<ProjectAction, 'update'>;

/** How each wish reads in the timeline. */
export const activityOfWish = {
  stop: { kind: 'stop-requested', message: 'Asked to stop the project.' },
  start: { kind: 'start-requested', message: 'Asked to start the project.' },
  restart: { kind: 'restart-requested', message: 'Asked to restart the project.' },
  retry: { kind: 'retry-requested', message: 'Asked to try again.' },
  delete: { kind: 'delete-requested', message: 'Asked to delete the project.' },
} satisfies Record<Wish, { kind: ActivityKind; message: string }>;

const whileWaiting = {
  running: {
    desiredState: 'running',
    status: 'initializing',
    reason: 'queued',
    message: 'Waiting for a worker to start the pod.',
    next: 'A worker takes it as soon as one is free.',
  },
  stopped: {
    desiredState: 'stopped',
    status: 'stopping',
    reason: 'stopping',
    message: 'The pod is stopping. The files stay on the volume.',
    next: 'It is stopped as soon as the pod has ended.',
  },
  deleted: {
    desiredState: 'deleted',
    status: 'deleting',
    reason: 'deleting',
    message: 'The pod and its volume are being removed.',
    next: 'It is gone as soon as the cluster has removed both.',
  },
} satisfies Record<DesiredState, ProjectPatch>;

/**
 * What to write for `wish`, or `null` when it is so already.
 * @param now an ISO time
 * @throws AppError ILLEGAL_STATE with the sentence of `projectCan`
 */
export function applyWish(wish: Wish, record: ProjectRecord, now: string): ProjectPatch | null {
  const permission = projectCan(wish, record);
  if (permission.kind === 'already') return null;
  if (permission.kind === 'no') throw new AppError('ILLEGAL_STATE', permission.sentence);

  const desiredState = desiredAfter(wish, record.desiredState);
  const generation = record.generation + 1;
  // A start from a clean stop finds no pod or takes back the stop; everything else must not accept the pod that was.
  const needsNewPod =
    desiredState === 'running' && (wish === 'restart' || wish === 'retry' || record.status === 'error');
  return {
    ...whileWaiting[desiredState],
    actor: 'nobody',
    retryable: false,
    reasonSince: now,
    evidence: [],
    progress: desiredState === 'running' ? startAsked(now, projectJobAttempts) : null,
    generation,
    ...(needsNewPod ? { podGeneration: generation } : {}),
    parkedGeneration: null,
    podError: null,
    podErrorCode: null,
  };
}

function desiredAfter(wish: Wish, before: DesiredState): DesiredState {
  switch (wish) {
    case 'stop':
      return 'stopped';
    case 'delete':
      return 'deleted';
    case 'retry':
      return before;
    case 'start':
    case 'restart':
      return 'running';
  }
}
