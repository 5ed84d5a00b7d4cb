/** The commands on the branch of a task. The task itself arrives with the live tasks. */

import { trpc } from '../../api/trpc.ts';
import { notifyDone, notifyFailure } from '../../ui/notify.ts';
import { conflictPrompt } from './review-words.ts';

export function useReview(taskId: string) {
  const utils = trpc.useUtils();
  const onSettled = () => void utils.tasks.changes.invalidate({ id: taskId });
  const accept = trpc.tasks.accept.useMutation({
    onSuccess: ({ outcome, message }) => {
      if (outcome === 'accepted') notifyDone(message);
    },
    onError: (error) => notifyFailure('The changes were not accepted', error),
    onSettled,
  });
  const discard = trpc.tasks.discard.useMutation({
    onSuccess: () => notifyDone('The branch and its changes were discarded.'),
    onError: (error) => notifyFailure('The changes were not discarded', error),
    onSettled,
  });
  const push = trpc.tasks.push.useMutation({
    onSuccess: ({ message }) => notifyDone(message),
    onError: (error) => notifyFailure('The branch was not pushed', error),
  });
  const followUp = trpc.runs.followUp.useMutation({
    onSuccess: () => accept.reset(),
    onError: (error) => notifyFailure('The task was not given back', error),
  });
  return {
    /** Why the last attempt to accept changed nothing; `null` after any other. */
    refusal: accept.data !== undefined && accept.data.outcome !== 'accepted' ? accept.data : null,
    accept: (headCommit: string) => accept.mutate({ id: taskId, headCommit }),
    discard: () => discard.mutate({ id: taskId }),
    push: () => push.mutate({ id: taskId }),
    giveBack: (runId: string, files: readonly string[]) =>
      followUp.mutate({ runId, text: conflictPrompt(files), idempotencyKey: crypto.randomUUID() }),
    isAccepting: accept.isPending,
    isDiscarding: discard.isPending,
    isPushing: push.isPending,
    isGivingBack: followUp.isPending,
  };
}
