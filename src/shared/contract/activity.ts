/** The timeline of a project: append-only, newest first when read. */

import { z } from 'zod';

import { isoDateTimeSchema, projectIdSchema } from './fields.ts';
import { reasonCodeSchema } from './reason-code.ts';

export const activityKindSchema = z.enum([
  'created',
  'updated',
  'start-requested',
  'stop-requested',
  'restart-requested',
  'retry-requested',
  'delete-requested',
  'job-failed',
  'status-changed',
  /** The comparison of rows and cluster found something that no event had told, and mended it. */
  'corrected',
  'archived',
]);
export type ActivityKind = z.infer<typeof activityKindSchema>;

const activityEntrySchema = z.object({
  id: z.string(),
  at: isoDateTimeSchema,
  kind: activityKindSchema,
  /** The person who did it; `null` when the system did. */
  actor: z.string().nullable(),
  message: z.string(),
  /** Why, in the words of the closed list; `null` for what a person did. */
  reason: reasonCodeSchema.nullable(),
});
export type ActivityEntry = z.infer<typeof activityEntrySchema>;

export const listActivityInputSchema = z.strictObject({
  id: projectIdSchema,
  cursor: z.string().max(100, 'This is not a cursor of this timeline.').nullish(),
});

export const activityPageSchema = z.object({ items: z.array(activityEntrySchema), nextCursor: z.string().nullable() });
export type ActivityPage = z.infer<typeof activityPageSchema>;
