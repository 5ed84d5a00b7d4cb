import { useMutation, useQueryClient } from '@tanstack/react-query';

import type { Session } from '../../shared/contract/account.ts';
import { trpc } from '../api/trpc.ts';
import { count } from '../ui/format.ts';
import { notifyDone, notifyFailure } from '../ui/notify.ts';

const mutationKey = ['end-sessions'];

/** Ends one session, or all but this one. They leave the list at once, and are back in it if the server refuses. */
export function useEndSessions() {
  const { client, sessions } = trpc.useUtils();
  const queryClient = useQueryClient();
  return useMutation({
    mutationKey,
    mutationFn: (target: Session | 'others') =>
      target === 'others' ? client.sessions.revokeOthers.mutate({}) : client.sessions.revoke.mutate({ id: target.id }),
    async onMutate(target) {
      await sessions.list.cancel(); // an answer on its way would bring back what leaves now
      const before = sessions.list.getData() ?? [];
      const leaving = new Set(before.filter((each) => isMeant(target, each)).map(({ id }) => id));
      sessions.list.setData(undefined, (held) => held?.filter(({ id }) => !leaving.has(id)));
      return { before, leaving };
    },
    onSuccess({ ids }, target) {
      notifyDone(
        target === 'others' ? `${count(ids.length, 'other session')} signed out.` : `${target.device} is signed out.`,
      );
    },
    onError(error, target, kept) {
      if (kept) {
        // Those that another action has removed meanwhile stay away.
        sessions.list.setData(undefined, (held) => {
          const there = new Set(held?.map(({ id }) => id));
          return kept.before.filter(({ id }) => kept.leaving.has(id) || there.has(id));
        });
      }
      const what = target === 'others' ? 'The other sessions' : target.device;
      notifyFailure(`${what} could not be signed out`, error);
    },
    // The last of several actions asks: before that the list would still have what the others are about to end.
    onSettled: () => (queryClient.isMutating({ mutationKey }) === 1 ? sessions.list.invalidate() : undefined),
  });
}

function isMeant(target: Session | 'others', session: Session): boolean {
  return target === 'others' ? !session.isCurrent : session.id === target.id;
}
