/** The calls of the SDK for the people with whom a project is shared. */

import type { TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type { AddMemberInput, ProjectMembers, RemoveMemberInput, SetMemberRoleInput } from '../contract/members.ts';
import { withAppErrors } from './read-app-error.ts';

/** @throws AppError if the API refuses the call; the library's TRPCClientError if the API did not answer */
export interface MemberCalls {
  /** The owner and the members. Only the owner is given their addresses. */
  list(project: string | { id: string }): Promise<ProjectMembers>;
  /** Shares the project with the person who has signed in with this confirmed address, or changes that person's role. */
  add(input: AddMemberInput): Promise<ProjectMembers>;
  setRole(input: SetMemberRoleInput): Promise<ProjectMembers>;
  /** Everything that the person has open ends within five seconds. */
  remove(input: RemoveMemberInput): Promise<ProjectMembers>;
  /** Ends the caller's own membership. */
  leave(project: string | { id: string }): Promise<void>;
}

const refOf = (project: string | { id: string }) => ({ id: typeof project === 'string' ? project : project.id });

export function createMemberCalls({ members }: TRPCClient<AppRouter>): MemberCalls {
  return {
    list: (project) => withAppErrors(members.list.query(refOf(project))),
    add: (input) => withAppErrors(members.add.mutate(input)),
    setRole: (input) => withAppErrors(members.setRole.mutate(input)),
    remove: (input) => withAppErrors(members.remove.mutate(input)),
    async leave(project) {
      await withAppErrors(members.leave.mutate(refOf(project)));
    },
  };
}
