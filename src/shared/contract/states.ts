/**
 * The states of a project and what may be done in each: one table that buttons, tooltips and server guards all read.
 */

import { z } from 'zod';

/** What the project is doing, as people read it. `ready` means: pod Running and every container ready. */
export const projectStatusSchema = z.enum([
  'initializing',
  'ready',
  'stopping',
  'stopped',
  'error',
  'deleting',
  'archived',
]);
export type ProjectStatus = z.infer<typeof projectStatusSchema>;

/** What its owner last asked for. */
export const desiredStateSchema = z.enum(['running', 'stopped', 'deleted']);
export type DesiredState = z.infer<typeof desiredStateSchema>;

/** The pod's phase in Kubernetes' own words; `null` elsewhere means: there is no pod. */
export const podPhaseSchema = z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']);

export const projectActionSchema = z.enum(['update', 'stop', 'start', 'restart', 'retry', 'delete']);
export type ProjectAction = z.infer<typeof projectActionSchema>;

/**
 * `yes`: do it. `already`: it is so or on its way, so asking again is harmless and changes nothing.
 * `no`: refused, with a sentence that says what to do instead.
 */
export type Permission = { kind: 'yes' } | { kind: 'already'; message: string } | { kind: 'no'; message: string };

const yes: Permission = { kind: 'yes' };
const already = (message: string): Permission => ({ kind: 'already', message });
const no = (message: string): Permission => ({ kind: 'no', message });

type LiveStatus = Exclude<ProjectStatus, 'deleting' | 'archived'>;

const whileLive = {
  update: { initializing: yes, ready: yes, stopping: yes, stopped: yes, error: yes },
  stop: {
    initializing: yes,
    ready: yes,
    stopping: already('The project is already stopping.'),
    stopped: already('The project is already stopped.'),
    error: yes,
  },
  start: {
    initializing: already('The project is already starting.'),
    ready: already('The project is already running.'),
    stopping: yes,
    stopped: yes,
    error: yes,
  },
  restart: {
    initializing: yes,
    ready: yes,
    stopping: no('The project is stopping. Start it instead.'),
    stopped: no('The project is stopped. Start it instead.'),
    error: yes,
  },
  retry: {
    initializing: already('The project is already starting.'),
    ready: already('The project is running: there is nothing to retry.'),
    stopping: already('The project is stopping: there is nothing to retry.'),
    stopped: already('The project is stopped: there is nothing to retry. Start it instead.'),
    error: yes,
  },
  delete: { initializing: yes, ready: yes, stopping: yes, stopped: yes, error: yes },
} satisfies Record<ProjectAction, Record<LiveStatus, Permission>>;

/**
 * Says whether `action` is legal for a project in this state. Deletion is for good: once it has been asked for, only
 * a failed deletion can be tried again.
 */
export function projectCan(
  action: ProjectAction,
  project: { status: ProjectStatus; desiredState: DesiredState },
): Permission {
  const { status, desiredState } = project;
  if (status === 'archived') {
    return action === 'delete'
      ? already('The project is already deleted.')
      : no('The project was deleted. Create a new one instead.');
  }
  if (desiredState === 'deleted' || status === 'deleting') {
    if (status === 'error' && (action === 'retry' || action === 'delete')) return yes;
    if (action === 'retry' || action === 'delete') return already('The project is already being deleted.');
    return no('The project is being deleted. Create a new one instead.');
  }
  return whileLive[action][status];
}
