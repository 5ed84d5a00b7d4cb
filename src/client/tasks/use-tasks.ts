/** The live tasks of a project, and the commands that change them. One subscription serves the whole tab. */

import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useReducer, useState } from 'react';

import type { Task } from '../../shared/contract/tasks.ts';
import { isTransient, readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { createTaskCommands, type TaskCommands } from './task-commands.ts';
import { emptyTaskList, shownTasks, withTaskEvent } from './task-list.ts';

const restartDelayMs = 500;

interface LiveTasks {
  /** With the changes of this window that are still under way. */
  tasks: readonly Task[];
  /** Whether the tasks have arrived. */
  isLoaded: boolean;
  /** Why the tasks do not arrive any more; `null` while they do, or may again. */
  error: unknown;
  /** Subscribes again. */
  retry: () => void;
  commands: TaskCommands;
}

/** The component that uses it is mounted for one project. */
export function useTasks(projectId: string): LiveTasks {
  const [state, receive] = useReducer(withTaskEvent, emptyTaskList);
  const { client } = trpc.useUtils();
  const queryClient = useQueryClient();
  const [commands] = useState(() =>
    createTaskCommands({ client, queryClient, projectId, receive, newKey: () => crypto.randomUUID() }),
  );
  const [isWaiting, setIsWaiting] = useState(false);
  // The live feed closes the socket after it has ended the subscriptions. One that starts meanwhile would be lost.
  const retry = (): void => {
    setIsWaiting(true);
    window.setTimeout(() => setIsWaiting(false), restartDelayMs);
  };
  const { error } = trpc.tasks.onChange.useSubscription(
    { projectId },
    {
      enabled: !isWaiting,
      onData: receive,
      onComplete: retry,
      onError: (failure) => {
        if (isTransient(readError(failure))) retry();
      },
    },
  );
  const tasks = useMemo(() => shownTasks(state), [state]);
  const isLost = error !== null && !isTransient(readError(error));
  return { tasks, isLoaded: state.isLoaded, error: isLost ? error : null, retry, commands };
}
