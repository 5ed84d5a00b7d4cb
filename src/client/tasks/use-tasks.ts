/** The live tasks of a project. One subscription serves the whole tab. */

import { useReducer, useState } from 'react';

import { isTransient, readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { emptyTaskList, withTaskEvent, type TaskListState } from './task-list.ts';

const restartDelayMs = 500;

interface LiveTasks extends TaskListState {
  /** Why there are no tasks; `null` while they arrive or may still arrive. */
  error: unknown;
  /** Subscribes again. */
  retry: () => void;
}

export function useTasks(projectId: string): LiveTasks {
  const [state, receive] = useReducer(withTaskEvent, emptyTaskList);
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
  const isLost = error !== null && !isTransient(readError(error));
  return { ...state, error: isLost ? error : null, retry };
}
