/**
 * The review of what the agent has changed on the branch of a task.
 *
 * Procedures: `tasks.changes`, `tasks.fileDiff`, `tasks.accept`, `tasks.discard`, `tasks.push`.
 */

import { z } from 'zod';

import { isoDateTimeSchema } from './fields.ts';
import { gitFileSchema } from './files.ts';
import { taskIdSchema, taskSchema } from './tasks.ts';

/** More changed files are counted, and not listed. */
export const maxChangedFiles = 5_000;

export const taskChangesSchema = z.object({
  /** `open`: the branch waits for a decision. */
  state: z.enum(['open', 'accepted', 'discarded']),
  branch: z.string(),
  /** What the branch is compared with: the newest commit that the project and the branch have in common. */
  baseCommit: z.string().nullable(),
  headCommit: z.string().nullable(),
  /** The commit of the project that contains the branch, once it was accepted. */
  mergeCommit: z.string().nullable(),
  files: z.array(
    gitFileSchema.extend({
      /** Whether `tasks.fileDiff` has its lines. Binary files have none, and those of very large changes are not stored. */
      hasPatch: z.boolean(),
      isBinary: z.boolean(),
    }),
  ),
  /** All changed files, also those that are not listed. */
  fileCount: z.int().nonnegative(),
  /** Files or lines are missing, because there are too many. */
  isTruncated: z.boolean(),
  /** Files of the project that are not committed. They are no part of these changes; at most 1,000. */
  uncommitted: z.int().nonnegative(),
  /** What keeps the branch from being accepted, and what to do. */
  problem: z.string().nullable(),
  /** When this was read. It stays readable while the project is stopped. */
  readAt: isoDateTimeSchema,
});
export type TaskChanges = z.infer<typeof taskChangesSchema>;

/** `changes` is `null` while the agent has not worked on a branch. */
export const taskChangesAnswerSchema = z.object({ changes: taskChangesSchema.nullable() });

export const fileDiffInputSchema = z.strictObject({ id: taskIdSchema, path: z.string().min(1).max(4_096) });
export type FileDiffInput = z.infer<typeof fileDiffInputSchema>;
export const fileDiffSchema = z.object({
  path: z.string(),
  /** In unified format; `null` when the file is binary or its lines are not stored. */
  patch: z.string().nullable(),
});
export type FileDiff = z.infer<typeof fileDiffSchema>;

export const acceptInputSchema = z.strictObject({
  id: taskIdSchema,
  /** `headCommit` of the changes that the person has reviewed. A branch that has changed since is not accepted. */
  headCommit: z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, 'This is not the id of a commit.'),
});
export type AcceptInput = z.infer<typeof acceptInputSchema>;

export const acceptResultSchema = z.object({
  /**
   * - `accepted`: the branch of the project contains the changes, and the task is DONE.
   * - `conflicts`: the project has changed the same lines of `files`. Nothing was changed. The agent can resolve it.
   * - `would-overwrite`: `files` of the project have uncommitted changes that would be lost. Nothing was changed.
   * - `changed`: the branch has changed since. Nothing was merged. Read the changes again.
   */
  outcome: z.enum(['accepted', 'conflicts', 'would-overwrite', 'changed']),
  message: z.string(),
  files: z.array(z.string()),
  task: taskSchema,
});
export type AcceptResult = z.infer<typeof acceptResultSchema>;

export const pushResultSchema = z.object({ branch: z.string(), message: z.string() });
export type PushResult = z.infer<typeof pushResultSchema>;
