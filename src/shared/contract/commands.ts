/** What a wish of the owner looks like before the cluster has answered it: the same on the server and on the screen. */

import { initialProgress } from './diagnosis.ts';
import { projectJobAttempts } from './jobs.ts';
import type { Project } from './project.ts';
import type { DesiredState, ProjectAction } from './states.ts';

/** The actions that ask the cluster for something. */
export type ProjectCommand = Exclude<ProjectAction, 'update'>;

const whileWaiting = {
  running: {
    desiredState: 'running',
    status: 'initializing',
    reason: 'queued',
    message: 'Waiting for a worker to start the pod.',
    nextStep: 'A worker takes it as soon as one is free.',
  },
  stopped: {
    desiredState: 'stopped',
    status: 'stopping',
    reason: 'stopping',
    message: 'The pod is stopping. The files stay on the volume.',
    nextStep: 'It is stopped as soon as the pod has ended.',
  },
  deleted: {
    desiredState: 'deleted',
    status: 'deleting',
    reason: 'deleting',
    message: 'The pod and its volume are being removed.',
    nextStep: 'It is gone as soon as the cluster has removed both.',
  },
} satisfies Record<DesiredState, Partial<Project>>;

/**
 * The fields of a project from the moment when `wish` is granted until the cluster answers. Whether it is granted says
 * `projectCan`.
 * @param now an ISO time
 */
export function pendingFields(command: ProjectCommand, before: DesiredState, now: string) {
  const desiredState = desiredAfter(command, before);
  return {
    ...whileWaiting[desiredState],
    actor: 'nobody',
    retryable: false,
    reasonSince: now,
    evidence: [],
    progress: desiredState === 'running' ? initialProgress(now, projectJobAttempts) : null,
    podError: null,
  } satisfies Partial<Project>;
}

function desiredAfter(command: ProjectCommand, before: DesiredState): DesiredState {
  switch (command) {
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

/** Whether the controller has carried out the newest command of the project at the Kubernetes API. */
export function isObserved({
  generation,
  observedGeneration,
}: Pick<Project, 'generation' | 'observedGeneration'>): boolean {
  return observedGeneration === generation;
}
