/** What the waiting page says about a project that cannot be reached yet, and which command helps: pure functions. */

import type { ProjectCommand } from '../shared/contract/commands.ts';
import { reasonFacts } from '../shared/contract/reasons.ts';
import type { Admission } from './admission.ts';

export type NotReady = Extract<Admission, { kind: 'not-ready' }>;

/** What the page shows, as JSON for its script. */
export interface WaitingState {
  ready: boolean;
  title: string;
  message: string;
  nextStep: string;
  /** The command of the button, or `null` when none helps. */
  action: Extract<ProjectCommand, 'start' | 'retry' | 'restart'> | null;
}

export function waitingStateOf({ project, cause }: Pick<NotReady, 'project' | 'cause'>): WaitingState {
  if (cause === 'simulated') {
    return {
      ready: false,
      title: 'This pod is simulated',
      message: 'The embedded cluster of this installation only plays what pods do, so there is no OpenCode to open.',
      nextStep: 'Use a real cluster, or a machine on which npm start can run pods as processes.',
      action: null,
    };
  }
  if (cause === 'old-credentials') {
    return {
      ready: false,
      title: 'Restart needed',
      message: 'The pod was created with credentials that are no longer valid.',
      nextStep: 'Restart the project. Its files are kept.',
      action: 'restart',
    };
  }
  if (project.status === 'ready' && project.desiredState === 'running') {
    return {
      ready: false,
      title: 'Almost ready',
      message: 'The pod runs.',
      nextStep: 'Its address is awaited.',
      action: null,
    };
  }
  return {
    ready: false,
    title: project.reason === null ? 'Not ready yet' : reasonFacts[project.reason].title,
    message: project.message ?? 'The project is not ready yet.',
    nextStep: project.nextStep ?? '',
    action: actionFor(project),
  };
}

function actionFor({ status, desiredState, trashedAt }: NotReady['project']): WaitingState['action'] {
  if (desiredState === 'deleted' || (trashedAt !== null && status !== 'error')) return null;
  if (status === 'stopped' || status === 'stopping') return 'start';
  return status === 'error' ? 'retry' : null;
}
