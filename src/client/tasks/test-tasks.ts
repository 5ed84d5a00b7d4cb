/** Runs and tasks for tests. */

import { noUsage, type Run, type Task } from '../../shared/contract/tasks.ts';

const at = '2026-11-28T10:00:00.000Z';

export const runWith = (fields: Partial<Run>): Run => ({
  id: 'run',
  kind: 'work',
  reviewsRunId: null,
  workspace: null,
  verdict: null,
  waitingSince: null,
  taskId: 'task',
  projectId: 'project',
  continuesRunId: null,
  prompt: 'Do it.',
  desiredState: 'running',
  state: 'running',
  message: '',
  opencodeSessionId: 'ses_1',
  messageId: 'msg_1',
  pending: [],
  todos: [],
  usage: noUsage,
  diff: null,
  version: 1,
  createdAt: at,
  startedAt: at,
  endedAt: null,
  updatedAt: at,
  ...fields,
});

export const taskWith = (fields: Partial<Task>): Task => ({
  id: 'task',
  projectId: 'project',
  title: 'A task',
  description: '',
  state: 'TODO',
  position: 'a',
  priority: 'normal',
  branch: null,
  latestRun: null,
  version: 1,
  createdAt: at,
  updatedAt: at,
  ...fields,
});
