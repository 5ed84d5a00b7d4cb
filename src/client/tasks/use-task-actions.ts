/** Sends commands for tasks and runs. The answer arrives with the live tasks, so nothing is written into a cache here. */

import type { RunAnswer, Task, TaskState } from '../../shared/contract/tasks.ts';
import { trpc } from '../api/trpc.ts';
import { notifyFailure } from '../ui/notify.ts';

const onError = (title: string) => (error: unknown) => notifyFailure(title, error);

export function useTaskActions() {
  const start = trpc.runs.start.useMutation({ onError: onError('The run could not be started') });
  const followUp = trpc.runs.followUp.useMutation({ onError: onError('The follow-up could not be sent') });
  const abort = trpc.runs.abort.useMutation({ onError: onError('The run could not be aborted') });
  const answer = trpc.runs.answer.useMutation({ onError: onError('The answer could not be sent') });
  const move = trpc.tasks.move.useMutation({ onError: onError('The task could not be moved') });
  const remove = trpc.tasks.delete.useMutation({ onError: onError('The task could not be deleted') });
  return {
    start: (task: Pick<Task, 'id'>) => start.mutate({ taskId: task.id, idempotencyKey: crypto.randomUUID() }),
    followUp: (runId: string, text: string) =>
      followUp.mutateAsync({ runId, text, idempotencyKey: crypto.randomUUID() }),
    abort: (runId: string) => abort.mutate({ runId }),
    answer: (runId: string, requestId: string, given: RunAnswer) => answer.mutate({ runId, requestId, answer: given }),
    move: (task: Pick<Task, 'id'>, state: TaskState) => move.mutate({ id: task.id, state, afterId: null }),
    remove: (task: Pick<Task, 'id'>) => remove.mutate({ id: task.id }),
    isStarting: start.isPending,
    isAborting: abort.isPending,
    isAnswering: answer.isPending,
    isFollowingUp: followUp.isPending,
  };
}
