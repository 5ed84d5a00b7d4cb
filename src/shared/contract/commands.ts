/** The fields of a project between a command and the first answer of the cluster. The server and the client share them. */

import { initialProgress } from './diagnosis.ts';
import { projectJobAttempts } from './jobs.ts';
import type { Project } from './project.ts';
import type { DesiredState, ProjectAction } from './states.ts';
import { statusMessages } from './status-messages.ts';

/** The actions that change the desired state, or request another attempt. */
export type ProjectCommand = Exclude<ProjectAction, 'update'>;

const pendingByDesiredState = {
  running: { desiredState: 'running', status: 'initializing', reason: 'queued', ...statusMessages.queued },
  stopped: { desiredState: 'stopped', status: 'stopping', reason: 'stopping', ...statusMessages.stopping },
  deleted: { desiredState: 'deleted', status: 'deleting', reason: 'deleting', ...statusMessages.deleting },
} satisfies Record<DesiredState, Partial<Project>>;

const stopped = { status: 'stopped', reason: 'stopped', ...statusMessages.stopped } satisfies Partial<Project>;

/**
 * The fields of a project from the moment `command` is accepted until the cluster answers. The caller has checked with
 * `projectCan` that the command is allowed.
 * @param now an ISO time
 */
export function pendingFields(
  command: ProjectCommand,
  before: Pick<Project, 'status' | 'desiredState' | 'trashedAt' | 'trashDaysLeft'>,
  now: string,
) {
  const desiredState = desiredAfter(command, before.desiredState);
  const trashedAt = command === 'trash' ? now : command === 'restore' ? null : before.trashedAt;
  return {
    ...pendingByDesiredState[desiredState],
    ...(trashedAt !== null && desiredState === 'stopped' ? statusMessages.trashing : {}),
    // The pod is gone already, so nothing has to happen.
    ...(command === 'restore' && before.status === 'stopped' ? stopped : {}),
    trashedAt,
    trashDaysLeft: command === 'retry' ? before.trashDaysLeft : null,
    actor: 'nobody',
    retryable: false,
    reasonSince: now,
    evidence: [],
    progress: desiredState === 'running' ? initialProgress(now, projectJobAttempts) : null,
    podError: null,
    idleStopInMinutes: null,
    idleStoppedAfterMinutes: null,
  } satisfies Partial<Project>;
}

function desiredAfter(command: ProjectCommand, before: DesiredState): DesiredState {
  switch (command) {
    case 'stop':
    case 'trash':
    case 'restore':
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

/** Whether the controller has carried out the newest command of the project at the Kubernetes API. */
export function isObserved({
  generation,
  observedGeneration,
}: Pick<Project, 'generation' | 'observedGeneration'>): boolean {
  return observedGeneration === generation;
}
