/** The procedures on tasks: each parses its input, calls one function and returns. */

import { z } from 'zod';

import {
  acceptInputSchema,
  acceptResultSchema,
  fileDiffInputSchema,
  fileDiffSchema,
  pushResultSchema,
  taskChangesAnswerSchema,
} from '../../shared/contract/review.ts';
import {
  createTaskInputSchema,
  deletedTaskSchema,
  listTasksInputSchema,
  moveTaskInputSchema,
  taskIdInputSchema,
  taskListSchema,
  taskSchema,
  updateTaskInputSchema,
  type TaskEvent,
} from '../../shared/contract/tasks.ts';
import { projectProcedure, router } from '../trpc.ts';

/** Tasks were parsed when they were read from PostgreSQL. */
const eventStreamSchema = z.custom<AsyncIterable<TaskEvent>>(isAsyncIterable);

export const tasksRouter = router({
  create: projectProcedure('tasks.write')
    .input(createTaskInputSchema)
    .output(taskSchema)
    .mutation(({ ctx, input }) => ctx.services.tasks.create(ctx, input)),
  list: projectProcedure('tasks.read')
    .input(listTasksInputSchema)
    .output(taskListSchema)
    .query(({ ctx, input }) => ctx.services.tasks.list(ctx, input.projectId)),
  get: projectProcedure('tasks.read')
    .input(taskIdInputSchema)
    .output(taskSchema)
    .query(({ ctx, input }) => ctx.services.tasks.get(ctx, input.id)),
  update: projectProcedure('tasks.write')
    .input(updateTaskInputSchema)
    .output(taskSchema)
    .mutation(({ ctx, input }) => ctx.services.tasks.update(ctx, input)),
  move: projectProcedure('tasks.write')
    .input(moveTaskInputSchema)
    .output(taskSchema)
    .mutation(({ ctx, input }) => ctx.services.tasks.move(ctx, input)),
  delete: projectProcedure('tasks.write')
    .input(taskIdInputSchema)
    .output(deletedTaskSchema)
    .mutation(({ ctx, input }) => ctx.services.tasks.delete(ctx, input.id)),
  changes: projectProcedure('tasks.read')
    .input(taskIdInputSchema)
    .output(taskChangesAnswerSchema)
    .query(({ ctx, input }) => ctx.services.review.changes(ctx, input.id)),
  fileDiff: projectProcedure('tasks.read')
    .input(fileDiffInputSchema)
    .output(fileDiffSchema)
    .query(({ ctx, input }) => ctx.services.review.fileDiff(ctx, input)),
  accept: projectProcedure('tasks.write')
    .input(acceptInputSchema)
    .output(acceptResultSchema)
    .mutation(({ ctx, input }) => ctx.services.review.accept(ctx, input)),
  discard: projectProcedure('tasks.write')
    .input(taskIdInputSchema)
    .output(taskSchema)
    .mutation(({ ctx, input }) => ctx.services.review.discard(ctx, input.id)),
  push: projectProcedure('tasks.write')
    .input(taskIdInputSchema)
    .output(pushResultSchema)
    .mutation(({ ctx, input }) => ctx.services.review.push(ctx, input.id)),
  onChange: projectProcedure('tasks.read')
    .input(listTasksInputSchema)
    .output(eventStreamSchema)
    .subscription(({ ctx, input, signal }) =>
      ctx.services.taskSubscriptions.subscribe(ctx, {
        projectId: input.projectId,
        signal: signal ?? new AbortController().signal,
        whenWritable: ctx.whenWritable,
      }),
    ),
});

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
