/** The procedures on projects: each parses its input, calls one function and returns. */

import type { TrackedEnvelope } from '@trpc/server';
import { z } from 'zod';

import { activityPageSchema, listActivityInputSchema } from '../../shared/contract/activity.ts';
import { usualStartSchema } from '../../shared/contract/diagnosis.ts';
import {
  onChangeInputSchema,
  pollInputSchema,
  projectPollSchema,
  type ProjectEvent,
} from '../../shared/contract/events.ts';
import {
  followLogsInputSchema,
  projectLogsSchema,
  readLogsInputSchema,
  type LogEvent,
} from '../../shared/contract/pod-logs.ts';
import {
  createProjectInputSchema,
  idleStopDefaultSchema,
  listProjectsInputSchema,
  openedProjectSchema,
  projectIdInputSchema,
  projectPageSchema,
  projectSchema,
  trashSettingsSchema,
  updateProjectInputSchema,
} from '../../shared/contract/project.ts';
import { projectQuotaSchema } from '../../shared/contract/sizes.ts';
import { procedure, projectProcedure, router } from '../trpc.ts';

/** Events were parsed when they were read from Redis or PostgreSQL. Parsing them again for each subscriber is too slow. */
const eventStreamSchema = z.custom<AsyncIterable<TrackedEnvelope<ProjectEvent>>>(isAsyncIterable);

/** The lines were parsed when the answer of the worker was read. */
const logStreamSchema = z.custom<AsyncIterable<LogEvent>>(isAsyncIterable);

export const projectsRouter = router({
  create: procedure
    .input(createProjectInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.create(ctx, input)),
  get: projectProcedure('read')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .query(({ ctx, input }) => ctx.services.projects.get(ctx, input.id)),
  list: projectProcedure('read')
    .input(listProjectsInputSchema.prefault({}))
    .output(projectPageSchema)
    .query(({ ctx, input }) => ctx.services.projects.list(ctx, input)),
  update: projectProcedure('edit')
    .input(updateProjectInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.update(ctx, input)),
  delete: projectProcedure('delete')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.delete(ctx, input.id)),
  trash: projectProcedure('delete')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.trash(ctx, input.id)),
  restore: projectProcedure('delete')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.restore(ctx, input.id)),
  trashSettings: procedure
    .input(z.strictObject({}).prefault({}))
    .output(trashSettingsSchema)
    .query(({ ctx }) => ctx.services.projects.trashSettings(ctx)),
  stop: projectProcedure('command')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.stop(ctx, input.id)),
  start: projectProcedure('command')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.start(ctx, input.id)),
  restart: projectProcedure('command')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.restart(ctx, input.id)),
  retry: projectProcedure('command')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.retry(ctx, input.id)),
  open: projectProcedure('open')
    .input(projectIdInputSchema)
    .output(openedProjectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.open(ctx, input.id)),
  keep: projectProcedure('command')
    .input(projectIdInputSchema)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.keep(ctx, input.id)),
  idleStopDefault: procedure
    .input(z.strictObject({}).prefault({}))
    .output(idleStopDefaultSchema)
    .query(({ ctx }) => ctx.services.projects.idleStopDefault(ctx)),
  quota: procedure
    .input(z.strictObject({}).prefault({}))
    .output(projectQuotaSchema)
    .query(({ ctx }) => ctx.services.projects.quota(ctx)),
  activity: projectProcedure('read')
    .input(listActivityInputSchema)
    .output(activityPageSchema)
    .query(({ ctx, input }) => ctx.services.projects.activity(ctx, input)),
  usualStart: procedure
    .input(z.strictObject({}).prefault({}))
    .output(usualStartSchema)
    .query(({ ctx }) => ctx.services.projects.usualStart(ctx)),
  logs: projectProcedure('logs')
    .input(readLogsInputSchema)
    .output(projectLogsSchema)
    .query(({ ctx, input }) => ctx.services.logs.read(ctx, input)),
  followLogs: projectProcedure('logs')
    .input(followLogsInputSchema)
    .output(logStreamSchema)
    .subscription(({ ctx, input, signal }) =>
      ctx.services.logs.follow(ctx, {
        ...input,
        signal: signal ?? new AbortController().signal,
        whenWritable: ctx.whenWritable,
      }),
    ),
  poll: projectProcedure('read')
    .input(pollInputSchema.prefault({}))
    .output(projectPollSchema)
    .query(({ ctx, input, signal }) =>
      ctx.services.polls.poll(ctx, {
        projectId: input.projectId ?? null,
        lastEventId: input.lastEventId ?? null,
        signal: signal ?? new AbortController().signal,
      }),
    ),
  onChange: projectProcedure('read')
    .input(onChangeInputSchema.prefault({}))
    .output(eventStreamSchema)
    .subscription(({ ctx, input, signal }) =>
      ctx.services.subscriptions.subscribe(ctx, {
        projectId: input.projectId ?? null,
        lastEventId: input.lastEventId ?? null,
        signal: signal ?? new AbortController().signal,
        whenWritable: ctx.whenWritable,
      }),
    ),
});

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
