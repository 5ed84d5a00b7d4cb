/** The texts of the status of a project: its badge, and the line beside the badge. Pure functions. */

import type { Project } from '../../shared/contract/project.ts';
import { isFailure, reasonFacts } from '../../shared/contract/reasons.ts';
import { statusMessages } from '../../shared/contract/status-messages.ts';
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

interface Badge {
  label: string;
  tone: BadgeTone;
  icon: BadgeIcon;
}

type BadgeInput = Pick<Project, 'status' | 'phase' | 'reason'>;

/** Combines the status of the project and the phase of its pod into one badge. */
export function badgeOf({ status, phase, reason }: BadgeInput): Badge {
  switch (status) {
    case 'ready':
      // It can be used, but not as it should be: for example, its repository could not be cloned.
      return isFailure(reason)
        ? { label: 'Running', tone: 'wait', icon: 'warning' }
        : { label: 'Running', tone: 'ok', icon: 'running' };
    case 'initializing':
      return startingBadge({ phase, reason });
    case 'stopping':
      return { label: 'Stopping', tone: 'idle', icon: 'working' };
    case 'stopped':
      if (reason === 'trashed') return { label: 'In the trash', tone: 'idle', icon: 'deleted' };
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
      // Kubernetes keeps the phase Running while a container crash-loops, and that must not look healthy.
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

/** Whether a user or an administrator has to act. The line beside the badge is then highlighted. */
export function needsAttention(project: BadgeInput & Pick<Project, 'actor'>): boolean {
  return (
    (project.status === 'error' && project.phase !== 'Succeeded') ||
    ((project.status === 'initializing' || project.status === 'ready') &&
      isFailure(project.reason) &&
      project.actor !== 'nobody')
  );
}

/** The full message for the project's page. It is never empty. */
export function statusLine(project: Pick<Project, 'status' | 'message' | 'podError' | 'containers'>): string {
  const { status, message, podError, containers } = project;
  if (status === 'error' && podError !== null) return podError;
  if (message !== null && message !== '') return message;
  switch (status) {
    case 'ready':
      return `All ${containers.length} containers are ready.`;
    case 'initializing':
      return podError ?? statusMessages.queued.message;
    case 'stopping':
      return statusMessages.stopping.message;
    case 'stopped':
      return statusMessages.stopped.message;
    case 'error':
      return 'Something went wrong. Retry to start the project again.';
    case 'deleting':
      return statusMessages.deleting.message;
    case 'archived':
      return statusMessages.archived.message;
  }
}

/** The short text for a card: the current step of a start, the title of a failure, or else the full message. */
export function shortLine(
  project: BadgeInput & Parameters<typeof statusLine>[0] & Pick<Project, 'actor' | 'progress'>,
): string {
  const { reason } = project;
  const isStarting = project.status === 'initializing' && !needsAttention(project) && project.podError === null;
  // Cloning is only part of a step, but may take longer than all other steps, so it has its own title.
  if (isStarting && reason !== 'cloning') return currentStep(project.progress) ?? statusLine(project);
  // A running project can have a failure too, for example a repository that could not be cloned.
  const hasTitle = isStarting || needsAttention(project) || isFailure(reason);
  return reason !== null && hasTitle ? reasonFacts[reason].title : statusLine(project);
}
