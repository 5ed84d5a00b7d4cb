/** The procedures on agent runs: each parses its input, calls one function and returns. */

import { z } from 'zod';

import {
  answerRunInputSchema,
  followUpInputSchema,
  listRunsInputSchema,
  runIdInputSchema,
  runListSchema,
  runSchema,
  startRunInputSchema,
  transcriptSchema,
  type RunOutputEvent,
} from '../../shared/contract/tasks.ts';
import { projectProcedure, router } from '../trpc.ts';

/** The entries were parsed when they were read from Redis or PostgreSQL. */
const outputStreamSchema = z.custom<AsyncIterable<RunOutputEvent>>(isAsyncIterable);

export const runsRouter = router({
  start: projectProcedure('tasks.write')
    .input(startRunInputSchema)
    .output(runSchema)
    .mutation(({ ctx, input }) => ctx.services.runs.start(ctx, input)),
  followUp: projectProcedure('tasks.write')
    .input(followUpInputSchema)
    .output(runSchema)
    .mutation(({ ctx, input }) => ctx.services.runs.followUp(ctx, input)),
  get: projectProcedure('tasks.read')
    .input(runIdInputSchema)
    .output(runSchema)
    .query(({ ctx, input }) => ctx.services.runs.get(ctx, input.runId)),
  list: projectProcedure('tasks.read')
    .input(listRunsInputSchema)
    .output(runListSchema)
    .query(({ ctx, input }) => ctx.services.runs.list(ctx, input.taskId)),
  abort: projectProcedure('tasks.write')
    .input(runIdInputSchema)
    .output(runSchema)
    .mutation(({ ctx, input }) => ctx.services.runs.abort(ctx, input.runId)),
  answer: projectProcedure('tasks.write')
    .input(answerRunInputSchema)
    .output(runSchema)
    .mutation(({ ctx, input }) => ctx.services.runs.answer(ctx, input)),
  transcript: projectProcedure('tasks.read')
    .input(runIdInputSchema)
    .output(transcriptSchema)
    .query(({ ctx, input }) => ctx.services.runs.transcript(ctx, input.runId)),
  onOutput: projectProcedure('tasks.read')
    .input(runIdInputSchema)
    .output(outputStreamSchema)
    .subscription(({ ctx, input, signal }) =>
      ctx.services.runOutput.follow(ctx, {
        runId: input.runId,
        signal: signal ?? new AbortController().signal,
        whenWritable: ctx.whenWritable,
      }),
    ),
});

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
