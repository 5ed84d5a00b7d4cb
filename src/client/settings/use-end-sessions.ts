/** Ends one session or all others. The list changes at once (an optimistic update) and is restored when the server refuses. */

import { useMutation, useQueryClient } from '@tanstack/react-query';

import type { Session } from '../../shared/contract/account.ts';
import { trpc } from '../api/trpc.ts';
import { count } from '../ui/format.ts';
import { notifyDone, notifyFailure } from '../ui/notify.ts';

const mutationKey = ['end-sessions'];

export function useEndSessions() {
  const { client, sessions } = trpc.useUtils();
  const queryClient = useQueryClient();
  return useMutation({
    mutationKey,
    mutationFn: (target: Session | 'others') =>
      target === 'others' ? client.sessions.revokeOthers.mutate({}) : client.sessions.revoke.mutate({ id: target.id }),
    async onMutate(target) {
      await sessions.list.cancel(); // a pending answer would bring the sessions back
      const before = sessions.list.getData() ?? [];
      const removed = new Set(before.filter((each) => isTarget(target, each)).map(({ id }) => id));
      sessions.list.setData(undefined, (list) => list?.filter(({ id }) => !removed.has(id)));
      return { before, removed };
    },
    onSuccess({ ids }, target) {
      notifyDone(
        target === 'others' ? `${count(ids.length, 'other session')} signed out.` : `${target.device} is signed out.`,
      );
    },
    onError(error, target, context) {
      if (context) {
        // Restores these sessions, but not those that another action has removed since.
        sessions.list.setData(undefined, (list) => {
          const listed = new Set(list?.map(({ id }) => id));
          return context.before.filter(({ id }) => context.removed.has(id) || listed.has(id));
        });
      }
      const what = target === 'others' ? 'The other sessions' : target.device;
      notifyFailure(`${what} could not be signed out`, error);
    },
    // Only the last of several actions loads the list again. Before that it would contain sessions that others are ending.
    onSettled: () => (queryClient.isMutating({ mutationKey }) === 1 ? sessions.list.invalidate() : undefined),
  });
}

function isTarget(target: Session | 'others', session: Session): boolean {
  return target === 'others' ? !session.isCurrent : session.id === target.id;
}
