/** The procedures of administrators, and the notice that everybody reads. */

import { z } from 'zod';

import {
  adminProjectPageSchema,
  adminUsageInputSchema,
  adminUsageSchema,
  auditPageSchema,
  endedSessionsSchema,
  endSessionsInputSchema,
  listAllProjectsInputSchema,
  listAuditInputSchema,
  listPeopleInputSchema,
  noticeSchema,
  peoplePageSchema,
  setNoticeInputSchema,
} from '../../shared/contract/admin.ts';
import { projectIdInputSchema } from '../../shared/contract/project.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const adminRouter = router({
  people: procedure
    .input(listPeopleInputSchema)
    .output(peoplePageSchema)
    .query(({ ctx, input }) => ctx.services.admin.people(ctx, input)),
  endSessions: procedure
    .input(endSessionsInputSchema)
    .output(endedSessionsSchema)
    .mutation(({ ctx, input }) => ctx.services.admin.endSessions(ctx, input)),
  projects: procedure
    .input(listAllProjectsInputSchema)
    .output(adminProjectPageSchema)
    .query(({ ctx, input }) => ctx.services.admin.projects(ctx, input)),
  stopProject: procedure
    .input(projectIdInputSchema)
    .output(z.object({ id: z.string() }))
    .mutation(({ ctx, input }) => ctx.services.admin.stopProject(ctx, input.id)),
  usage: procedure
    .input(adminUsageInputSchema)
    .output(adminUsageSchema)
    .query(({ ctx, input }) => ctx.services.admin.usage(ctx, input.days)),
  audit: procedure
    .input(listAuditInputSchema)
    .output(auditPageSchema)
    .query(({ ctx, input }) => ctx.services.admin.audit(ctx, input)),
  notice: procedure
    .input(noInputSchema)
    .output(noticeSchema)
    .query(({ ctx }) => ctx.services.admin.notice(ctx)),
  setNotice: procedure
    .input(setNoticeInputSchema)
    .output(noticeSchema)
    .mutation(({ ctx, input }) => ctx.services.admin.setNotice(ctx, input)),
});
