/** The members of a project, and the calls that change them. The list is read again with each change of the project. */

import { trpc } from '../../api/trpc.ts';
import { notifyFailure } from '../../ui/notify.ts';

/** @param onLeft runs also when the page has gone meanwhile, because the event that the project is not shared any more was faster */
export function useMembers(projectId: string, onLeft: () => void) {
  const utils = trpc.useUtils();
  const key = { id: projectId };
  const query = trpc.members.list.useQuery(key, { staleTime: 0 });
  const onSuccess = (list: NonNullable<typeof query.data>): void => utils.members.list.setData(key, list);
  const add = trpc.members.add.useMutation({ onSuccess });
  const setRole = trpc.members.setRole.useMutation({
    onSuccess,
    onError: (error) => notifyFailure('The role was not changed', error),
  });
  const remove = trpc.members.remove.useMutation({
    onSuccess,
    onError: (error) => notifyFailure('The person was not removed', error),
  });
  const leave = trpc.members.leave.useMutation({
    onSuccess: onLeft,
    onError: (error) => notifyFailure('You have not left the project', error),
  });
  return { query, add, setRole, remove, leave };
}
