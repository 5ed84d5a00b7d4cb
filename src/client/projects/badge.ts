/** One badge for the two things that a project's state consists of: what the system does with it, and its pod's phase. */

import type { Project } from '../../shared/contract/project.ts';
import { isFailure, reasonFacts } from '../../shared/contract/reasons.ts';
import { currentStep } from './start-labels.ts';

export type BadgeTone = 'ok' | 'wait' | 'bad' | 'idle' | 'done';

export type BadgeIcon =
  | 'running'
  | 'queued'
  | 'working'
  | 'warning'
  | 'failed'
  | 'completed'
  | 'stopped'
  | 'deleted'
  | 'unknown';

export interface Badge {
  label: string;
  tone: BadgeTone;
  icon: BadgeIcon;
}

type BadgeInput = Pick<Project, 'status' | 'phase' | 'reason'>;

/** Combines status and phase: the person's wish while it is being met, else what the pod does. */
export function badgeOf({ status, phase, reason }: BadgeInput): Badge {
  switch (status) {
    case 'ready':
      return { label: 'Running', tone: 'ok', icon: 'running' };
    case 'initializing':
      return startingBadge({ phase, reason });
    case 'stopping':
      return { label: 'Stopping', tone: 'idle', icon: 'working' };
    case 'stopped':
      return { label: 'Stopped', tone: 'idle', icon: 'stopped' };
    case 'error':
      if (phase === 'Succeeded') return { label: 'Completed', tone: 'done', icon: 'completed' };
      return { label: phase === 'Failed' ? 'Failed' : 'Error', tone: 'bad', icon: 'failed' };
    case 'deleting':
      return { label: 'Deleting', tone: 'idle', icon: 'working' };
    case 'archived':
      return { label: 'Deleted', tone: 'idle', icon: 'deleted' };
  }
}

function startingBadge({ phase, reason }: Pick<BadgeInput, 'phase' | 'reason'>): Badge {
  switch (phase) {
    case null:
      return { label: 'Queued', tone: 'wait', icon: 'queued' };
    case 'Pending':
      return { label: 'Pending', tone: 'wait', icon: isFailure(reason) ? 'warning' : 'working' };
    case 'Running':
      // Kubernetes keeps the phase Running while a container crashes again and again: that must not look healthy.
      return isFailure(reason)
        ? { label: 'Failing', tone: 'bad', icon: 'warning' }
        : { label: 'Starting', tone: 'wait', icon: 'working' };
    case 'Succeeded':
      return { label: 'Completed', tone: 'done', icon: 'completed' };
    case 'Failed':
      return { label: 'Failed', tone: 'bad', icon: 'failed' };
    case 'Unknown':
      return { label: 'Unknown', tone: 'wait', icon: 'unknown' };
  }
}

/** Whether the sentence beside the badge asks for somebody's attention. */
export function needsAttention(project: BadgeInput & Pick<Project, 'actor'>): boolean {
  return (
    (project.status === 'error' && project.phase !== 'Succeeded') ||
    (project.status === 'initializing' && isFailure(project.reason) && project.actor !== 'nobody')
  );
}

/** One line that says why the project is not simply running; how many containers are ready when it is. */
export function statusLine(project: Pick<Project, 'status' | 'message' | 'podError' | 'containers'>): string {
  const { status, message, podError, containers } = project;
  if (status === 'error' && podError !== null) return podError;
  if (message !== null && message !== '') return message;
  switch (status) {
    case 'ready':
      return `All ${containers.length} containers are ready.`;
    case 'initializing':
      return podError ?? 'The project is waiting for its turn.';
    case 'stopping':
      return 'The pod is stopping. The volume is kept.';
    case 'stopped':
      return 'The pod is gone; the volume is kept.';
    case 'error':
      return 'Something went wrong. Retry to start it anew.';
    case 'deleting':
      return 'The pod and the volume are being removed.';
    case 'archived':
      return 'The project was deleted.';
  }
}

/** The step of a start that goes well; what is wrong, in two or three words; else why it is not simply running. */
export function shortLine(
  project: BadgeInput & Parameters<typeof statusLine>[0] & Pick<Project, 'actor' | 'progress'>,
): string {
  const { reason } = project;
  const goesWell = project.status === 'initializing' && !needsAttention(project) && project.podError === null;
  // Cloning is part of a step, and may last longer than all others.
  if (goesWell && reason !== 'cloning') return currentStep(project.progress) ?? statusLine(project);
  // A project that runs may lack something all the same, such as its repository.
  const isObserved = goesWell || needsAttention(project) || isFailure(reason);
  return reason !== null && isObserved ? reasonFacts[reason].title : statusLine(project);
}
