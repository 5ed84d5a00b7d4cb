/** The procedures on the members of a project: each parses its input, calls one function and returns. */

import {
  addMemberInputSchema,
  leftProjectSchema,
  listMembersInputSchema,
  projectMembersSchema,
  removeMemberInputSchema,
  setMemberRoleInputSchema,
} from '../../shared/contract/members.ts';
import { projectProcedure, router } from '../trpc.ts';

export const membersRouter = router({
  list: projectProcedure('read')
    .input(listMembersInputSchema)
    .output(projectMembersSchema)
    .query(({ ctx, input }) => ctx.services.members.list(ctx, input.id)),
  add: projectProcedure('share')
    .input(addMemberInputSchema)
    .output(projectMembersSchema)
    .mutation(({ ctx, input }) => ctx.services.members.add(ctx, input)),
  setRole: projectProcedure('share')
    .input(setMemberRoleInputSchema)
    .output(projectMembersSchema)
    .mutation(({ ctx, input }) => ctx.services.members.setRole(ctx, input)),
  remove: projectProcedure('share')
    .input(removeMemberInputSchema)
    .output(projectMembersSchema)
    .mutation(({ ctx, input }) => ctx.services.members.remove(ctx, input)),
  leave: projectProcedure('leave')
    .input(listMembersInputSchema)
    .output(leftProjectSchema)
    .mutation(({ ctx, input }) => ctx.services.members.leave(ctx, input.id)),
});
