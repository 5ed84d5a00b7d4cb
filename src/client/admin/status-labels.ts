/** The states of projects in lists of administrators. */

import type { ProjectStatus } from '../../shared/contract/states.ts';

export const statusLabels: Record<ProjectStatus, string> = {
  initializing: 'Starting',
  ready: 'Running',
  stopping: 'Stopping',
  stopped: 'Stopped',
  error: 'Error',
  deleting: 'Deleting',
  archived: 'Deleted',
};
