/** The states of a project and which actions each state allows. Buttons, tooltips and server guards read one table. */

import { z } from 'zod';

/** What the project is doing. `ready` means that the pod is Running and every container is ready. */
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

/** What the owner's last command requested. */
export const desiredStateSchema = z.enum(['running', 'stopped', 'deleted']);
export type DesiredState = z.infer<typeof desiredStateSchema>;

/** The pod's phase as in Kubernetes. Fields of this type are `null` when there is no pod. */
export const podPhaseSchema = z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']);

export const projectActionSchema = z.enum([
  'update',
  'stop',
  'start',
  'restart',
  'retry',
  'trash',
  'restore',
  'delete',
]);
export type ProjectAction = z.infer<typeof projectActionSchema>;

/**
 * - `yes`: the action is allowed.
 * - `already`: the project is in this state or on the way to it. The action is accepted and changes nothing.
 * - `no`: the action is refused, and the message says what to do instead.
 */
type Permission = { kind: 'yes' } | { kind: 'already'; message: string } | { kind: 'no'; message: string };

const yes: Permission = { kind: 'yes' };
const already = (message: string): Permission => ({ kind: 'already', message });
const no = (message: string): Permission => ({ kind: 'no', message });

type LiveStatus = Exclude<ProjectStatus, 'deleting' | 'archived'>;

function onEveryLive(permission: Permission): Record<LiveStatus, Permission> {
  return { initializing: permission, ready: permission, stopping: permission, stopped: permission, error: permission };
}

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
    ready: already('The project is running. There is nothing to retry.'),
    stopping: already('The project is stopping. There is nothing to retry.'),
    stopped: already('The project is stopped. There is nothing to retry. Start it instead.'),
    error: yes,
  },
  trash: onEveryLive(yes),
  restore: onEveryLive(already('The project is not in the trash.')),
  delete: onEveryLive(yes),
} satisfies Record<ProjectAction, Record<LiveStatus, Permission>>;

const inTrash = {
  update: no('The project is in the trash. Restore it first.'),
  stop: already('The project is in the trash, so it does not run.'),
  start: no('The project is in the trash. Restore it first.'),
  restart: no('The project is in the trash. Restore it first.'),
  retry: already('The project is in the trash. There is nothing to retry.'),
  trash: already('The project is already in the trash.'),
  restore: yes,
  delete: yes,
} satisfies Record<ProjectAction, Permission>;

/**
 * Whether `action` is allowed for a project in this state. Deletion is final: after a delete command, only a failed
 * deletion can be retried.
 */
export function projectCan(
  action: ProjectAction,
  project: { status: ProjectStatus; desiredState: DesiredState; trashedAt: string | null },
): Permission {
  const { status, desiredState, trashedAt } = project;
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
  if (trashedAt !== null) return action === 'retry' && status === 'error' ? yes : inTrash[action];
  return whileLive[action][status];
}
