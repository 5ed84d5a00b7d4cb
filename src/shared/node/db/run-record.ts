/** A row of `runs`, parsed: times as ISO strings, bigints as numbers, JSON validated. */

import { z } from 'zod';

import {
  desiredRunStateSchema,
  diffStatisticsSchema,
  noUsage,
  pendingRequestSchema,
  runAnswerSchema,
  runKindSchema,
  runStateSchema,
  todoSchema,
  usageSchema,
  verdictSchema,
  workspaceSchema,
  type Run,
} from '../../contract/tasks.ts';

const time = z.date().transform((date) => date.toISOString());
const requiredTime = time.catch('1970-01-01T00:00:00.000Z');
const optionalTime = time.nullable().catch(null);
const bigint = z.coerce.number().int();

export const runRecordSchema = z.object({
  id: z.string(),
  seq: bigint,
  taskId: z.string(),
  projectId: z.string(),
  kind: runKindSchema,
  continuesRunId: z.string().nullable(),
  reviewsRunId: z.string().nullable(),
  workspace: workspaceSchema.nullable().catch(null),
  /** What the agent has left in the worktree was committed and stored. */
  isSaved: z.boolean(),
  verdict: verdictSchema.nullable().catch(null),
  idempotencyKey: z.string(),
  prompt: z.string(),
  desiredState: desiredRunStateSchema,
  state: runStateSchema,
  message: z.string(),
  opencodeSessionId: z.string().nullable(),
  messageId: z.string().nullable(),
  /** What people have answered, by the id of the request. The runner sends it to OpenCode. */
  answers: z.record(z.string(), runAnswerSchema).catch({}),
  pending: z.array(pendingRequestSchema).catch([]),
  todos: z.array(todoSchema).catch([]),
  usage: usageSchema.catch(noUsage),
  diff: diffStatisticsSchema.nullable().catch(null),
  /** The number of the newest runner. An older runner may write nothing. */
  attempt: z.int(),
  /** So many runners in a row neither ended nor lasted. */
  unfinishedAttempts: z.int(),
  version: bigint,
  createdAt: requiredTime,
  startedAt: optionalTime,
  endedAt: optionalTime,
  waitingSince: optionalTime,
  updatedAt: requiredTime,
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** The part of a record that its owner may read. */
export function toRun(record: RunRecord): Run {
  const { seq: _s, idempotencyKey: _k, answers: _a, attempt: _t, unfinishedAttempts: _u, isSaved: _i, ...run } = record;
  const { message, waitingSince } = run;
  return waitingSince === null ? run : { ...run, message: `${message} It has waited since ${utcText(waitingSince)}.` };
}

/** "28 Nov 2026, 10:32 UTC". */
function utcText(iso: string): string {
  const [, day, month, year, timeOfDay = ''] = new Date(iso).toUTCString().split(' ');
  return `${Number(day)} ${month} ${year}, ${timeOfDay.slice(0, 5)} UTC`;
}
