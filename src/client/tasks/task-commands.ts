/**
 * Sends the commands for tasks and runs of one project. Changes of tasks are shown at once; the answer replaces them, and a
 * refusal takes them back with a notification. They are sent one after the other, because a move names the task above, whose
 * own move may still be under way. What runs do arrives with the live tasks.
 */

import type { QueryClient } from '@tanstack/react-query';
import type { TRPCClient } from '@trpc/client';
import { createContext, use } from 'react';

import type { AppRouter } from '../../server/router.ts';
import type { CreateTaskInput, RunAnswer, Task, TaskState } from '../../shared/contract/tasks.ts';
import { notifyFailure } from '../ui/notify.ts';
import type { TaskChange, TaskPatch } from './expected-changes.ts';
import type { TaskListEvent } from './task-list.ts';

type NewTask = Pick<CreateTaskInput, 'title' | 'description' | 'state' | 'place' | 'priority'> & {
  idempotencyKey: string;
};
type TaskRef = Pick<Task, 'id'>;

/** Unless a command says otherwise, its promise resolves in each case: a failure is shown as a notification. */
export interface TaskCommands {
  /** Rejects when the task was not created. */
  create: (task: NewTask) => Promise<Task>;
  /** To the place below `afterId`, or to the top of the column. */
  move: (task: TaskRef, state: TaskState, afterId?: string | null) => Promise<void>;
  /** Rejects when the change was refused. */
  update: (task: TaskRef, patch: TaskPatch) => Promise<void>;
  setPriority: (task: TaskRef, priority: Task['priority']) => Promise<void>;
  remove: (task: TaskRef) => Promise<void>;
  start: (task: TaskRef) => Promise<void>;
  abort: (runId: string) => Promise<void>;
  answer: (runId: string, requestId: string, answer: RunAnswer) => Promise<void>;
  /** Rejects when the text was not sent. */
  followUp: (runId: string, text: string) => Promise<void>;
}

interface Deps {
  client: TRPCClient<AppRouter>;
  queryClient: QueryClient;
  projectId: string;
  receive: (event: TaskListEvent) => void;
  /** Keys of calls and idempotency keys. */
  newKey: () => string;
}

export function createTaskCommands({ client, queryClient, projectId, receive, newKey }: Deps): TaskCommands {
  const { tasks, runs } = client;

  /** Calls of one `scope` follow each other. The cache of mutations notices the end of the session. */
  function send<Answer>(call: () => Promise<Answer>, scope?: string): Promise<Answer> {
    const options = { mutationFn: call, ...(scope !== undefined && { scope: { id: scope } }) };
    return queryClient.getMutationCache().build(queryClient, options).execute(undefined);
  }

  /** @returns what the task is now; `null` when it was deleted */
  async function change(task: TaskRef, expected: TaskChange, call: () => Promise<Task | null>): Promise<void> {
    const key = newKey();
    receive({ type: 'expected', key, taskId: task.id, change: expected });
    try {
      receive({ type: 'accepted', key, task: await send(call, `tasks of ${projectId}`) });
    } catch (error) {
      receive({ type: 'refused', key });
      throw error;
    }
  }

  const update: TaskCommands['update'] = ({ id }, patch) =>
    change({ id }, { type: 'update', patch }, () => tasks.update.mutate({ id, ...patch }));

  return {
    async create(task) {
      const created = await send(() => tasks.create.mutate({ projectId, ...task }));
      receive({ type: 'changed', task: created });
      return created;
    },
    move: ({ id }, state, afterId = null) =>
      orNotify(
        'The task could not be moved',
        change({ id }, { type: 'move', state, afterId }, () => tasks.move.mutate({ id, state, afterId })),
      ),
    update,
    setPriority: (task, priority) => orNotify('The priority could not be changed', update(task, { priority })),
    remove: ({ id }) =>
      orNotify(
        'The task could not be deleted',
        change({ id }, { type: 'delete' }, async () => {
          await tasks.delete.mutate({ id });
          return null;
        }),
      ),
    start: ({ id }) =>
      orNotify(
        'The run could not be started',
        send(() => runs.start.mutate({ taskId: id, idempotencyKey: newKey() })),
      ),
    abort: (runId) =>
      orNotify(
        'The run could not be aborted',
        send(() => runs.abort.mutate({ runId })),
      ),
    answer: (runId, requestId, answer) =>
      orNotify(
        'The answer could not be sent',
        send(() => runs.answer.mutate({ runId, requestId, answer })),
      ),
    async followUp(runId, text) {
      try {
        await send(() => runs.followUp.mutate({ runId, text, idempotencyKey: newKey() }));
      } catch (error) {
        notifyFailure('The follow-up could not be sent', error);
        throw error;
      }
    },
  };
}

async function orNotify(title: string, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    notifyFailure(title, error);
  }
}

export const TaskCommandsContext = createContext<TaskCommands | null>(null);

/** Whether this person may change and run the tasks of the project, and not only read them. */
export const MayChangeTasksContext = createContext(true);
export const useMayChangeTasks = (): boolean => use(MayChangeTasksContext);

/** @throws Error outside of `TaskCommandsContext` */
export function useTaskCommands(): TaskCommands {
  const commands = use(TaskCommandsContext);
  if (commands === null) throw new Error('useTaskCommands was called outside of TaskCommandsContext.');
  return commands;
}

/** Why no task can be added or run now, such as in the trash. `null`: they can be. */
export const NewWorkRefusalContext = createContext<string | null>(null);

export const useIsNewWorkRefused = (): boolean => use(NewWorkRefusalContext) !== null;
